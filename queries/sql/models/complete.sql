-- Gives the model whose id is in the variable model_id the id in the variable new_id, with what was read for it since:
-- $version of its fingerprint, $bytes and $requests more, $now (UTC). Its other rows: renumber.
UPDATE model
SET model_id = getvariable('new_id'), fingerprint_version = $version::UTINYINT, ingested_at = $now::TIMESTAMP,
    bytes_read = bytes_read + $bytes::UBIGINT, requests = requests + $requests::UINTEGER
WHERE model_id = getvariable('model_id');

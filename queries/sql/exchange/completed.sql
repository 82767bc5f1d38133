-- Forgets that model $model_id is here by its sketches alone.
DELETE FROM remote_fingerprint WHERE model_id = $model_id;

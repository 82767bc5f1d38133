-- Version 2 of fingerprints: activations, rows of embeddings without a tokenizer by number, and networks without layers
-- under names that say so. All else is as in version 1, so that models of both versions are compared by what both have.

-- A model made by version 1 has 1 here until `forebear ingest --refresh` has read what it lacks.
ALTER TABLE model ADD COLUMN fingerprint_version UTINYINT DEFAULT 1;
UPDATE model SET fingerprint_version = 2 WHERE model_id IN (FROM activation SELECT model_id UNION FROM adapter SELECT model_id);

-- Models of version 1 whose matrices stand in no layer of a transformer had other places: components, layers and roles
-- that version 2 does not claim. Their components get a name that no model of version 2 has: they are compared with each
-- other as before, and never with those. A budget may have left the layers of a transformer out: then nothing is told.
CREATE TEMPORARY TABLE renamed AS
    WITH matrices AS (
        SELECT model_id, layer, role, component
        FROM tensor
        WHERE len(shape) > 1 AND list_product(shape) > 0 AND slot NOT IN ('buffer', 'position', 'token_type')
          AND model_id IN (SELECT model_id FROM model WHERE fingerprint_version = 1 AND NOT contains(state, ' within '))
    )
    SELECT model_id
    FROM matrices
    GROUP BY model_id
    HAVING bool_or(role NOT IN ('embed', 'head'))
       AND NOT bool_or(layer IS NOT NULL AND role IN ('q', 'k', 'v', 'o', 'gate', 'up', 'down'))
       AND bool_or(layer IS NOT NULL OR role NOT IN ('embed', 'head', 'conv', 'other') OR component_kind(component) = 'language');
UPDATE tensor SET component = component || ' (fingerprint 1)' WHERE model_id IN (FROM renamed);
UPDATE sketch SET component = component || ' (fingerprint 1)' WHERE model_id IN (FROM renamed);
UPDATE skipped_tensor SET component = component || ' (fingerprint 1)' WHERE model_id IN (FROM renamed);
DROP TABLE renamed;

UPDATE setting SET value = '2' WHERE name = 'fingerprint_version' AND value = '1';

CREATE OR REPLACE VIEW model_row AS
    SELECT model_id, name, uri, revision, state, format, architecture, license,
           tensors, parameters, bytes_read, bytes_total, ingested_at, fingerprint_version
    FROM model;

COMMENT ON COLUMN setting.name IS 'fingerprint_version, minhash_scheme, minhash_seed: what fingerprints are made with; model.fingerprint_version says which models lack something';
COMMENT ON COLUMN model.fingerprint_version IS 'version that the fingerprint has: 1 lacks what version 2 added (activations), which `forebear ingest --refresh` reads';
COMMENT ON VIEW model_row IS 'what is shown of a model: `model` without its config and what only the machine needs';
COMMENT ON COLUMN model_row.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN model_row.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN model_row.uri IS 'source: file:///... or hf://org/name';
COMMENT ON COLUMN model_row.revision IS 'the commit, where the source has them';
COMMENT ON COLUMN model_row.state IS 'changes when the source does';
COMMENT ON COLUMN model_row.format IS 'format of the files: safetensors, gguf, ...';
COMMENT ON COLUMN model_row.architecture IS 'config.architectures[0]';
COMMENT ON COLUMN model_row.license IS 'licence as the card writes it, in lower case';
COMMENT ON COLUMN model_row.tensors IS 'tensors in the files, those not read included';
COMMENT ON COLUMN model_row.parameters IS 'parameters of all tensors';
COMMENT ON COLUMN model_row.bytes_read IS 'bytes of weights that were read';
COMMENT ON COLUMN model_row.bytes_total IS 'bytes of the files of weights';
COMMENT ON COLUMN model_row.ingested_at IS 'UTC';
COMMENT ON COLUMN model_row.fingerprint_version IS 'version that the fingerprint has: 1 lacks what version 2 added';

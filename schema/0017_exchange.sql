-- Registries that were pulled: what was brought of them, and what still lies where they were published.

-- Models that are here by their sketches alone: what a search compares. The rest is fetched when an answer needs it.
CREATE TABLE remote_fingerprint (
    model_id UINTEGER NOT NULL,
    place    VARCHAR NOT NULL,      -- where the registry was published: file:///..., https://..., hf://datasets/org/name, s3://...
    sha256   VARCHAR NOT NULL,      -- of the file with the rest of the fingerprint, which is named by it
    bytes    UBIGINT NOT NULL
);

-- Parts of published registries that were brought whole, so that the next pull passes them over.
CREATE TABLE pulled_part (
    place     VARCHAR NOT NULL,
    sha256    VARCHAR NOT NULL,
    pulled_at TIMESTAMP NOT NULL    -- UTC
);

COMMENT ON TABLE remote_fingerprint IS 'models that are here by their sketches alone, and where the rest of their fingerprint lies';
COMMENT ON COLUMN remote_fingerprint.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN remote_fingerprint.place IS 'where the registry was published: file:///..., https://..., hf://datasets/org/name, ...';
COMMENT ON COLUMN remote_fingerprint.sha256 IS 'of the file with the rest of the fingerprint';
COMMENT ON COLUMN remote_fingerprint.bytes IS 'size of that file';
COMMENT ON TABLE pulled_part IS 'parts of published registries that were brought whole';
COMMENT ON COLUMN pulled_part.place IS 'where the registry was published';
COMMENT ON COLUMN pulled_part.sha256 IS 'of the part';
COMMENT ON COLUMN pulled_part.pulled_at IS 'UTC';

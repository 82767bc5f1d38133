-- The registry: one row a model, and under it what its fingerprint keeps. All rows of a model are written in one
-- transaction and lie together, so that zone maps on model_id find them.

CREATE TABLE setting (
    name  VARCHAR PRIMARY KEY,   -- fingerprint_version, minhash_scheme, minhash_seed: what fingerprints were made with
    value VARCHAR NOT NULL
);

CREATE SEQUENCE model_id START 1;

-- A model is one snapshot of weights. (uri, revision) identifies it; the name is for people and may repeat.
CREATE TABLE model (
    model_id       UINTEGER PRIMARY KEY,
    uri            VARCHAR NOT NULL,      -- file:///... or hf://org/name
    revision       VARCHAR,               -- the commit, where the source has them
    name           VARCHAR NOT NULL,
    state          VARCHAR NOT NULL,      -- changes when the source does: what is unchanged is not read again
    content        VARCHAR NOT NULL,      -- digest of all values read: equal for copies that kept every value
    format         VARCHAR NOT NULL,      -- safetensors, ...
    architecture   VARCHAR,               -- config.architectures[0]
    model_type     VARCHAR,               -- config.model_type
    license        VARCHAR,
    released_at    TIMESTAMP,             -- UTC; when the source published it, where it says so
    ingested_at    TIMESTAMP NOT NULL,    -- UTC
    tensors        UINTEGER NOT NULL,     -- in the files, those not read included
    parameters     UBIGINT NOT NULL,      -- of all tensors
    bytes_total    UBIGINT NOT NULL,      -- of the files of weights
    bytes_read     UBIGINT NOT NULL,
    requests       UINTEGER NOT NULL,
    config         VARCHAR NOT NULL       -- config.json as it was: cast it with config::JSON
);

CREATE TABLE declared_parent (
    model_id UINTEGER NOT NULL,
    parent   VARCHAR NOT NULL,            -- as written: org/name, or a path
    origin   VARCHAR NOT NULL,            -- card, hub or config
    relation VARCHAR                      -- finetune, adapter, merge, quantized, where the card says
);

CREATE TABLE tokenizer (
    model_id UINTEGER NOT NULL,
    kind     VARCHAR NOT NULL,            -- BPE, Unigram, WordPiece, SentencePiece
    size     UINTEGER NOT NULL,           -- tokens
    tokens   UINTEGER[64] NOT NULL,       -- MinHash of the token set
    merges   UINTEGER[64],                -- MinHash of the merge list
    specials VARCHAR[] NOT NULL
);

-- What one scan compares: the signs of summed, standardised vectors, a role after another; absent roles are zeros.
CREATE TABLE sketch (
    model_id       UINTEGER NOT NULL,
    component      VARCHAR NOT NULL,      -- language, vision, audio, projector, encoder, decoder
    position_roles UTINYINT NOT NULL,     -- bit i: role i of q, k, v, o, gate, up, down takes part
    gram_roles     UTINYINT NOT NULL,     -- bit i: role i of q, k, v, gate, up takes part
    positions      BIT NOT NULL,          -- 7 x 256 bits
    gram           BIT NOT NULL,          -- 5 x 120 bits
    minhash        UINTEGER[64] NOT NULL  -- of the union of all column sets
);

-- One row a tensor that was read or named; of routed experts those that were read.
CREATE TABLE tensor (
    model_id   UINTEGER NOT NULL,
    tensor_id  UINTEGER NOT NULL,         -- counts within the model
    component  VARCHAR NOT NULL,
    layer      USMALLINT,                 -- NULL outside the stacks
    expert     USMALLINT,                 -- NULL outside routed experts
    role       VARCHAR NOT NULL,          -- embed head q k v o gate up down router norm bias conv other
    slot       VARCHAR NOT NULL,          -- keeps apart tensors of one role in one block; '' for most
    name       VARCHAR NOT NULL,
    dtype      VARCHAR NOT NULL,
    shape      UBIGINT[] NOT NULL,        -- logical: [out, in]
    represents UBIGINT NOT NULL,          -- parameters it stands for (routed experts that were not read too)
    rows_read  USMALLINT NOT NULL,
    sampled    USMALLINT NOT NULL,        -- values kept that are not padding
    mean FLOAT, std FLOAT, rms FLOAT, max FLOAT, kurtosis FLOAT, zeros FLOAT, levels FLOAT,
    nonfinite  UINTEGER,                  -- NaN and infinite values among those read; they count as 0
    hash       UBIGINT                    -- of the exact values read, NULL when nothing was
);

-- Evidence, a table a kind: a tensor without a kind has no row in it.
CREATE TABLE positions (model_id UINTEGER NOT NULL, tensor_id UINTEGER NOT NULL, value FLOAT[256] NOT NULL);
CREATE TABLE gram      (model_id UINTEGER NOT NULL, tensor_id UINTEGER NOT NULL, value SMALLINT[120] NOT NULL); -- cosines x 32767
CREATE TABLE minhash   (model_id UINTEGER NOT NULL, tensor_id UINTEGER NOT NULL, value UINTEGER[64] NOT NULL);

-- Context: the values of norm gains and biases, at fixed places. Never evidence of a relation.
CREATE TABLE vector (model_id UINTEGER NOT NULL, tensor_id UINTEGER NOT NULL, value FLOAT[64] NOT NULL);

-- Rows of embeddings and heads by token text.
CREATE TABLE token_row (
    model_id  UINTEGER NOT NULL,
    tensor_id UINTEGER NOT NULL,
    token     UBIGINT NOT NULL,           -- hash of the token's bytes
    value     FLOAT[64] NOT NULL          -- at fixed columns
);

CREATE TABLE skipped_tensor (
    model_id   UINTEGER NOT NULL,
    name       VARCHAR NOT NULL,
    parameters UBIGINT NOT NULL,
    reason     VARCHAR NOT NULL
);

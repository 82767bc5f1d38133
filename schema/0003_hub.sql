-- What the Hub says of a model, and the files of every model with the hashes that are known without reading them.

CREATE TABLE hub (
    model_id    UINTEGER NOT NULL,
    author      VARCHAR,
    created_at  TIMESTAMP,             -- UTC; also model.released_at
    modified_at TIMESTAMP,             -- UTC
    downloads   UBIGINT,
    likes       UBIGINT,
    library     VARCHAR,
    task        VARCHAR,               -- the pipeline tag
    gated       VARCHAR,               -- auto or manual; NULL for open models
    tags        VARCHAR[] NOT NULL
);

CREATE TABLE file (
    model_id UINTEGER NOT NULL,
    path     VARCHAR NOT NULL,
    size     UBIGINT NOT NULL,
    sha256   VARCHAR                   -- where the source knows it: LFS and Xet files of the Hub
);

-- Equal files of different models, found by hash alone: no weight is read for it.
CREATE VIEW equal_files AS
    SELECT a.sha256, a.size, m.name, m.uri AS source, a.path, n.name AS other, n.uri AS other_source, b.path AS other_path
    FROM file AS a
    JOIN file AS b ON b.sha256 = a.sha256 AND b.model_id != a.model_id
    JOIN model AS m ON m.model_id = a.model_id
    JOIN model AS n ON n.model_id = b.model_id
    ORDER BY a.size DESC, m.name, n.name;

-- What was tried and could not be kept, with the reason of the last try; `forebear watch` tries again.
CREATE TABLE attempt (
    uri          VARCHAR PRIMARY KEY,
    attempted_at TIMESTAMP NOT NULL,   -- UTC
    tries        UINTEGER NOT NULL,
    reason       VARCHAR NOT NULL
);

-- Where `forebear watch` stands: everything created up to then was seen, for each set of filters.
CREATE TABLE watch (
    filters VARCHAR PRIMARY KEY,
    until   TIMESTAMP NOT NULL         -- UTC
);

-- The record of applied migrations, which is there before the first of them.
CREATE TABLE IF NOT EXISTS migration (
    version    INTEGER PRIMARY KEY,
    name       VARCHAR NOT NULL,
    sha256     VARCHAR NOT NULL,
    applied_at TIMESTAMP DEFAULT current_localtimestamp()
);

-- Fills a new DuckLake catalogue: the migrations that its tables come from, what those fill, the last id that was given to a
-- model, and the last number of an audit run.
INSERT INTO lake.migration SELECT * FROM registry.migration;
INSERT INTO lake.licence SELECT * FROM registry.licence;
INSERT INTO lake.published_root SELECT * FROM registry.published_root;
CREATE TABLE IF NOT EXISTS lake.taken_ids (taken BIGINT);
INSERT INTO lake.taken_ids VALUES (0);
CREATE TABLE IF NOT EXISTS lake.taken_runs (taken BIGINT);
INSERT INTO lake.taken_runs VALUES (0);

-- Fills a new DuckLake catalogue: the migrations that its tables come from, and the last id that was given to a model.
INSERT INTO lake.migration SELECT * FROM registry.migration;
CREATE TABLE IF NOT EXISTS lake.taken_ids (taken BIGINT);
INSERT INTO lake.taken_ids VALUES (0);

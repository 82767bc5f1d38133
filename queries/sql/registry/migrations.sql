-- The migrations that were applied, in order.
SELECT version, name, sha256 FROM registry.migration ORDER BY version;

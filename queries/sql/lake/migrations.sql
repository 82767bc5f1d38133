-- The migrations that the catalogue's tables come from, in order.
SELECT version, name, sha256 FROM lake.migration ORDER BY version;

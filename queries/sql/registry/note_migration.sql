-- Notes that the migration $name, number $version, of a text with the digest $sha256, was applied.
INSERT INTO migration (version, name, sha256) VALUES ($version, $name, $sha256);

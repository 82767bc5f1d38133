-- What the fingerprints of this registry were made with.
SELECT name, value FROM setting;

-- Forgets that the repositories $uris could not be kept: they are now.
DELETE FROM attempt WHERE list_contains($uris, uri);

-- Notes that the repository $uri was tried in vain, and the $reason; one row a repository, whose tries add up.
INSERT INTO attempt AS earlier (uri, attempted_at, tries, reason)
VALUES ($uri, now() AT TIME ZONE 'UTC', 1, $reason)
ON CONFLICT (uri) DO UPDATE
SET attempted_at = excluded.attempted_at, tries = earlier.tries + 1, reason = excluded.reason;

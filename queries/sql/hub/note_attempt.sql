-- Notes that the repository $uri was tried in vain, and the $reason; one row a repository, whose tries add up.
MERGE INTO attempt AS earlier
USING (SELECT $uri AS uri, $reason AS reason, now() AT TIME ZONE 'UTC' AS attempted_at) AS now_tried
ON earlier.uri = now_tried.uri
WHEN MATCHED THEN
    UPDATE SET attempted_at = now_tried.attempted_at, tries = earlier.tries + 1, reason = now_tried.reason
WHEN NOT MATCHED THEN
    INSERT (uri, attempted_at, tries, reason) VALUES (now_tried.uri, now_tried.attempted_at, 1, now_tried.reason);

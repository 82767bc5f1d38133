-- Notes what was said of the model of the source $uri: its $verdict, and the source of the $relative that was named.
MERGE INTO watch_answer AS earlier
USING (SELECT $uri AS uri, $verdict AS verdict, $relative AS relative, now() AT TIME ZONE 'UTC' AS answered_at) AS said
ON earlier.uri = said.uri
WHEN MATCHED THEN
    UPDATE SET pending = false, verdict = said.verdict, relative = said.relative, answered_at = said.answered_at
WHEN NOT MATCHED THEN
    INSERT (uri, pending, verdict, relative, answered_at)
    VALUES (said.uri, false, said.verdict, said.relative, said.answered_at);

-- Notes that the models of the sources $uris are still to be answered.
MERGE INTO watch_answer AS earlier
USING (SELECT DISTINCT unnest($uris::VARCHAR[]) AS uri) AS asked
ON earlier.uri = asked.uri
WHEN MATCHED THEN UPDATE SET pending = true
WHEN NOT MATCHED THEN INSERT (uri, pending) VALUES (asked.uri, true);

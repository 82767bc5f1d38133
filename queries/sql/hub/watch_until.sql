-- Notes that everything that passes $filters and was created up to $until has been seen.
MERGE INTO watch
USING (SELECT $filters AS filters, $until AS until) AS seen
ON watch.filters = seen.filters
WHEN MATCHED THEN UPDATE SET until = seen.until
WHEN NOT MATCHED THEN INSERT (filters, until) VALUES (seen.filters, seen.until);

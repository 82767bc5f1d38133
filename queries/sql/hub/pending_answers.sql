-- Which registered models are still to be answered? Their sources, the oldest release first.
SELECT w.uri
FROM watch_answer AS w
JOIN (SELECT uri, min(released_at) AS released_at FROM model GROUP BY uri) AS m USING (uri)
WHERE w.pending
ORDER BY m.released_at, w.uri;

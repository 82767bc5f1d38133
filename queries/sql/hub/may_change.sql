-- What may the arrival of the models of the sources $new change in what was said of the sources $related? Those that were
-- answered before, and that a new one may be an ancestor of: no date says that all of them were released later. Columns:
-- uri, and the verdict and the relative that were said; the oldest release first.
WITH arrived AS (
    SELECT released_at FROM model WHERE list_contains($new::VARCHAR[], uri)
), told AS (
    SELECT w.uri, any_value(w.verdict) AS verdict, any_value(w.relative) AS relative, max(m.released_at) AS released_at
    FROM watch_answer AS w
    JOIN model AS m USING (uri)
    WHERE list_contains($related::VARCHAR[], w.uri) AND NOT list_contains($new::VARCHAR[], w.uri) AND NOT w.pending
    GROUP BY w.uri
)
SELECT t.uri, t.verdict, t.relative
FROM told AS t
WHERE EXISTS (FROM arrived AS a WHERE coalesce(a.released_at <= t.released_at, true))
ORDER BY t.released_at, t.uri;

-- What is left to compute: a task a row with its candidates, and which of them are far by sketch (z below $related_z).
SELECT t.query_id, t.component,
       coalesce(list(c.relative_id ORDER BY c.relative_id, c.relative_component) FILTER (c.relative_id IS NOT NULL), []) AS relatives,
       coalesce(list(c.relative_component ORDER BY c.relative_id, c.relative_component) FILTER (c.relative_id IS NOT NULL), []) AS components,
       coalesce(list(coalesce(c.z < $related_z, false) ORDER BY c.relative_id, c.relative_component) FILTER (c.relative_id IS NOT NULL), []) AS far
FROM audit_task AS t
LEFT JOIN (
    SELECT query_id, component, relative_id, relative_component, max(z) FILTER (z IS NOT NULL) AS z
    FROM audit_candidate
    GROUP BY ALL
) AS c ON c.query_id = t.query_id AND c.component = t.component
WHERE t.evaluate
GROUP BY ALL
ORDER BY t.query_id, t.component;

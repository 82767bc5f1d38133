-- Which models of run $run_id are copies of another one, and does either name the other? Which of them came first release dates
-- alone can tell (none that is more than a day after the model was read); without them the order is that of their sources, and
-- says nothing.
INSERT INTO audit_finding
SELECT $run_id, 'duplicate',
       CASE WHEN EXISTS (
           FROM declared_parent AS n
           JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k ON k.spelled = n.parent
           WHERE (n.model_id = d.id AND k.model_id = d.original_id) OR (n.model_id = d.original_id AND k.model_id = d.id)
       ) THEN 'confirmed' ELSE 'undeclared' END,
       d.id, p.component, d.original_id, p.relative_component, NULL,
       d.reason || CASE WHEN earlier.released_at < later.released_at
                               AND later.released_at <= later.ingested_at + INTERVAL 1 DAY THEN '' ELSE '; which came first is not known' END
FROM audit_duplicate AS d
JOIN audit_model AS m ON m.run_id = d.run_id AND m.id = d.id
JOIN audit_model AS n ON n.run_id = d.run_id AND n.id = d.original_id
JOIN model AS later ON later.model_id = d.id
JOIN model AS earlier ON earlier.model_id = d.original_id
LEFT JOIN (FROM audit_pair WHERE run_id = $run_id QUALIFY row_number() OVER (PARTITION BY query_id, relative_id ORDER BY log10_evalue, component) = 1) AS p
  ON p.query_id = d.id AND p.relative_id = d.original_id
WHERE d.run_id = $run_id AND (m.asked OR n.asked)
ORDER BY d.id;

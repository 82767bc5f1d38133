-- What do the models of run $run_id come from that is not registered? One row a missing ancestor that nothing was found to
-- stand for, at the first model that it is inferred from; and one a model that was found to stand there.
INSERT INTO audit_finding
SELECT $run_id, 'inferred', CASE WHEN f.model_id IS NULL THEN 'missing' ELSE 'found' END, coalesce(f.model_id, o.model_id),
       a.component, NULL, NULL, a.name,
       CASE WHEN f.model_id IS NULL THEN '' WHEN f.earlier THEN 'released before them, and where they meet: ' ELSE 'where they meet: ' END
           || array_to_string(a.models[:3], ', ') || CASE WHEN len(a.models) > 3 THEN ' and ' || len(a.models) - 3 || ' more' ELSE '' END
           || CASE WHEN f.model_id IS NULL THEN ' come from a model that is not registered; each has an identity of '
                   ELSE printf('; identity 1 - %.1e with the inferred values, they have ', 1 - f.identity) END
           || printf('1 - %.1e to 1 - %.1e with what the others give', 1 - a.least_identity, 1 - a.most_identity)
FROM inferred_ancestors AS a
JOIN (SELECT inferred_id, min(model_id) AS model_id FROM inferred_member GROUP BY inferred_id) AS o USING (inferred_id)
LEFT JOIN inferred_match AS f USING (inferred_id)
JOIN audit_model AS m ON m.run_id = $run_id AND m.id = coalesce(f.model_id, o.model_id) AND m.asked
ORDER BY a.inferred_id, f.model_id;

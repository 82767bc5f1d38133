-- What became of the recipes that the asked models of run $run_id declare? One row a recipe that replay confirms or that
-- could not be checked; of one that is contradicted a row for everything that is wrong.
INSERT INTO audit_finding
SELECT $run_id, 'recipe', c.status, c.model_id, nullif(c.component, ''), NULL, NULL, coalesce(c.declared, c.origin),
       CASE WHEN c.declared IS NULL THEN '' ELSE c.origin || ': ' END || c.reason
FROM recipe_check AS c
JOIN audit_model AS m ON m.run_id = $run_id AND m.id = c.model_id AND m.asked
ORDER BY c.model_id, c.origin, c.component, c.declared;

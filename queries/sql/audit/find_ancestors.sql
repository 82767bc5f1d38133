-- Which nearest ancestor of a model of run $run_id does its card not name? Of the relatives that are told to be ancestors with a
-- probability of $told, the first, or both parents of a merge. Nothing for what declarations lead to, straight or through
-- registered models, for a model with a declared relative that is as near, and for a copy of another model (a duplicate).
INSERT INTO audit_finding
WITH RECURSIVE parents AS (
    SELECT DISTINCT d.model_id, k.model_id AS parent_id
    FROM declared_parent AS d
    JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
      ON k.spelled = d.parent AND k.model_id != d.model_id
), led AS (
    SELECT model_id, parent_id AS led_id FROM parents
    UNION
    SELECT led.model_id, parents.parent_id FROM led JOIN parents ON parents.model_id = led.led_id
), found AS (
    SELECT p.*,
           min(p.rank) FILTER (p.declared) OVER (PARTITION BY p.query_id, p.component) AS declared_rank
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    ANTI JOIN (FROM audit_duplicate WHERE run_id = $run_id) AS d ON d.id = p.query_id
    WHERE p.run_id = $run_id AND p.origin = 'derivation' AND p.log10_evalue <= r.max_log10_e
), first AS (
    SELECT *, row_number() OVER (PARTITION BY query_id, component ORDER BY place) AS number
    FROM found
    WHERE direction IN ('ancestor', 'copy') AND direction_probability >= $told
)
SELECT $run_id, 'ancestor', 'undeclared', query_id, component, relative_id, relative_component, NULL,
       reason || '; by ' || direction_by
FROM first
ANTI JOIN led ON led.model_id = first.query_id AND led.led_id = first.relative_id
WHERE merged_with IS NOT NULL OR (number = 1 AND coalesce(rank < declared_rank, true))
ORDER BY query_id, component, place;

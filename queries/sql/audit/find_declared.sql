-- What became of every parent that the asked models of run $run_id declare? Confirmed ones, related by derivation, are
-- `ancestor` rows, a component each; the others one `declaration` row, contradicted where the weights are unrelated or share
-- no more than their initialisation. A direction that is not told contradicts nothing; claims that run in a circle contradict each
-- other, and of them only what the weights tell with a probability of $told is confirmed. A name that fits several models is
-- confirmed when one of them is found. $against: the models that were compared.
INSERT INTO audit_finding
WITH RECURSIVE run AS (
    FROM audit_run WHERE run_id = $run_id
), meant AS (
    SELECT DISTINCT d.model_id, d.parent, k.model_id AS parent_id
    FROM declared_parent AS d
    JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k ON k.spelled = d.parent
), parents AS (
    SELECT DISTINCT model_id, parent_id FROM meant WHERE parent_id != model_id
), led AS (
    FROM parents
    UNION
    SELECT led.model_id, parents.parent_id FROM led JOIN parents ON parents.model_id = led.parent_id
), declared AS (
    SELECT d.model_id AS query_id, d.parent, any_value(d.relation) AS said, k.parent_id AS relative_id,
           EXISTS (FROM meant AS s WHERE s.model_id = d.model_id AND s.parent = d.parent AND s.parent_id = d.model_id) AS itself,
           EXISTS (FROM led WHERE led.model_id = k.parent_id AND led.parent_id = d.model_id) AS in_circle
    FROM declared_parent AS d
    JOIN audit_model AS m ON m.run_id = $run_id AND m.id = d.model_id AND m.asked
    LEFT JOIN meant AS k ON k.model_id = d.model_id AND k.parent = d.parent AND k.parent_id != d.model_id
    GROUP BY ALL
), kinds AS (
    SELECT model_id, list(DISTINCT component_kind(component)) AS kinds
    FROM sketch GROUP BY model_id
), judged AS (
    SELECT d.*, p.component, p.relative_component, p.origin, p.log10_evalue, p.direction, p.direction_by,
           in_circle AND NOT coalesce(p.direction IN ('ancestor', 'copy') AND p.direction_probability >= $told, false) AS circular,
           p.log10_evalue <= run.max_log10_e AND p.origin = 'derivation' AND NOT circular AS found,
           CASE
               WHEN d.relative_id IS NULL AND d.itself THEN 'the model names itself as its parent'
               WHEN d.relative_id IS NULL THEN 'the declared parent is not in the registry'
               WHEN d.relative_id NOT IN (SELECT unnest($against::UINTEGER[])) THEN 'the declared parent is not among the models that were compared'
               WHEN mine.kinds IS NULL AND d.said = 'adapter' THEN 'an adapter without matrices of its own to compare'
               WHEN mine.kinds IS NULL THEN 'the model has no layers to compare'
               WHEN theirs.kinds IS NULL THEN 'the declared parent has no layers to compare'
               WHEN p.query_id IS NULL THEN 'no component of one kind: ' || array_to_string(mine.kinds, ', ') || ' here, '
                   || array_to_string(theirs.kinds, ', ') || ' there'
               WHEN coalesce(p.log10_p_positions, p.log10_p_gram, p.log10_p_minhash) IS NULL THEN 'no comparable tensors'
               WHEN p.origin IS NULL AND q.verdict = 'inconclusive' THEN 'too few matrices to tell anything'
               WHEN p.origin IS NOT NULL AND p.log10_evalue > run.max_log10_e THEN 'found, but not below the E-value asked for'
               WHEN p.origin = 'undetermined' THEN 'related, whether by derivation or by one initialisation cannot be told: ' || p.reason
           END AS not_comparable,
           CASE
               WHEN circular AND p.origin = 'derivation'
                   THEN 'the claims run in a circle: the declared parent is declared to come from this model; ' || p.reason
               WHEN p.origin = 'shared_initialisation' THEN 'the same random initialisation, trained apart: ' || p.reason
               ELSE p.reason
           END AS contradicted, p.reason
    FROM declared AS d
    CROSS JOIN run
    LEFT JOIN kinds AS mine ON mine.model_id = d.query_id
    LEFT JOIN kinds AS theirs ON theirs.model_id = d.relative_id
    LEFT JOIN audit_pair AS p ON p.run_id = $run_id AND p.query_id = d.query_id AND p.relative_id = d.relative_id
    LEFT JOIN audit_query AS q ON q.run_id = $run_id AND q.query_id = p.query_id AND q.component = p.component
), best AS (
    SELECT *,
           bool_or(coalesce(found, false)) OVER (PARTITION BY query_id, parent) AS confirmed,
           row_number() OVER (
               PARTITION BY query_id, parent
               ORDER BY not_comparable IS NOT NULL, log10_evalue, relative_id, component
           ) AS place
    FROM judged
), declarations AS (
    SELECT DISTINCT ON (query_id, relative_id, component) * FROM best WHERE confirmed AND found ORDER BY query_id, relative_id, component, parent
)
SELECT $run_id, 'ancestor', 'confirmed', query_id, component, relative_id, relative_component, parent,
       CASE WHEN direction IN ('descendant', 'sibling') THEN 'declared and related, though a ' || direction || ' by '
           || direction_by || ': ' ELSE '' END || reason
FROM declarations
UNION ALL
SELECT $run_id, 'declaration', CASE WHEN not_comparable IS NULL THEN 'contradicted' ELSE 'not_comparable' END,
       query_id, component, relative_id, relative_component, parent, coalesce(not_comparable, contradicted)
FROM best
WHERE NOT confirmed AND place = 1;

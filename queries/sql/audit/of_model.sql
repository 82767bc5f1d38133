-- What run $run_id found of the model that is $id in it, as the one asked about or as the relative: $most findings of the
-- kinds $kinds, those about the model itself first. Columns: those of audit_findings without the run. A page of one model
-- asks this without that view, which would join all findings first.
WITH about AS MATERIALIZED (
    SELECT * FROM audit_finding WHERE run_id = $run_id AND (query_id = $id OR relative_id = $id)
)
SELECT f.kind, f.status, q.name AS query, q.source AS query_source, f.component, coalesce(r.name, f.declared) AS relative,
       r.source AS relative_source, f.relative_component, f.declared, p.rank, p.origin, p.direction, p.direction_probability,
       p.direction_by, p.evidence, p.log10_evalue, p.identity, p.coverage, p.coverage_without_match, p.coverage_not_comparable,
       p.coverage_not_read, p.distance, p.relation, p.merged_with, f.reason,
       q.license AS query_license, r.license AS relative_license, g.name AS family
FROM about AS f
JOIN audit_model AS q ON q.run_id = $run_id AND q.id = f.query_id
LEFT JOIN audit_model AS r ON r.run_id = $run_id AND r.id = f.relative_id
LEFT JOIN audit_family AS g ON g.run_id = $run_id AND g.family_id = q.family_id
LEFT JOIN audit_pair AS p
  ON p.run_id = $run_id AND p.query_id = f.query_id AND p.component = f.component AND p.relative_id = f.relative_id
 AND p.relative_component = f.relative_component
WHERE list_contains($kinds::VARCHAR[], f.kind) AND f.status != 'not_judged'
ORDER BY f.query_id != $id, list_position($kinds::VARCHAR[], f.kind), f.status DESC, query, f.component, p.rank, relative
LIMIT $most;

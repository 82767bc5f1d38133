-- What run $run_id found of the model of the source $source, as the one asked about or as the relative: $most findings of the
-- kinds $kinds, those about the model itself first. $ids: its ids in the run (`ids.sql`). Columns: those of audit_findings
-- without the run, which a page of one model asks without that view: the joins come after the few findings.
WITH about AS MATERIALIZED (
    SELECT *
    FROM audit_finding
    WHERE run_id = $run_id AND (list_contains($ids::UINTEGER[], query_id) OR list_contains($ids::UINTEGER[], relative_id))
      AND list_contains($kinds::VARCHAR[], kind) AND status != 'not_judged'
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
ORDER BY q.source != $source, list_position($kinds::VARCHAR[], f.kind), f.status DESC, query, f.component, p.rank, relative
LIMIT $most;

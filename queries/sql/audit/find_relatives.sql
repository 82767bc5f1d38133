-- Every other relation that run $run_id found: siblings, descendants, ancestors further up, shared initialisations.
INSERT INTO audit_finding
SELECT $run_id, 'relative', 'related', p.query_id, p.component, p.relative_id, p.relative_component, NULL, p.reason
FROM audit_pair AS p
JOIN audit_run AS r USING (run_id)
ANTI JOIN (FROM audit_finding WHERE run_id = $run_id) AS f
  ON f.query_id = p.query_id AND f.relative_id = p.relative_id AND f.component = p.component
 AND f.relative_component = p.relative_component AND f.kind IN ('ancestor', 'duplicate')
WHERE p.run_id = $run_id AND p.origin IS NOT NULL AND p.log10_evalue <= r.max_log10_e
ORDER BY p.query_id, p.component, p.place;

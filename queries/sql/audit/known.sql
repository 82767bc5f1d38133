-- An answer that is computed anew also looks at what it looked at before, as far as it is among $against.
INSERT INTO audit_candidate
SELECT p.query_id, p.component, p.relative_id, p.relative_component, CASE WHEN p.origin IS NULL THEN 0.0 END
FROM audit_task AS t
JOIN audit_pair AS p ON p.run_id = t.base_run AND p.query_id = t.query_id AND p.component = t.component
WHERE t.evaluate AND p.relative_id IN (SELECT unnest($against::UINTEGER[]));

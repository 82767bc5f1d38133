-- Declared parents are candidates whatever their sketches say: adds those that are among $against and new to the answer.
INSERT INTO audit_candidate
SELECT DISTINCT t.query_id, t.component, s.model_id, s.component, NULL::DOUBLE
FROM audit_task AS t
JOIN declared_parent AS d ON d.model_id = t.query_id
JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
  ON k.spelled = d.parent AND k.model_id != d.model_id
JOIN sketch AS s ON s.model_id = k.model_id
WHERE components_meet(s.component, t.component)
  AND k.model_id > coalesce(t.seen_until, 0)
  AND k.model_id IN (SELECT unnest($against::UINTEGER[]));

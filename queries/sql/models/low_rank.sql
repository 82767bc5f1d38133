-- Which registered LoRA adapters change only tensors that a component holds?
-- $component; $layers (outside the layers: -1), $roles, $slots, $outputs, $inputs: lists side by side, its matrices;
-- $rank: the largest rank; $most: how many adapters at most. Columns: model_id, name, uri, alpha, rslora.
WITH held AS (
    SELECT unnest($layers::INTEGER[]) AS layer, unnest($roles::VARCHAR[]) AS role, unnest($slots::VARCHAR[]) AS slot,
           unnest($outputs::UBIGINT[]) AS outputs, unnest($inputs::UBIGINT[]) AS inputs
), foreign_target AS (
    SELECT DISTINCT t.model_id
    FROM adapter_target AS t
    LEFT JOIN held AS h
      ON h.layer = coalesce(t.layer::INTEGER, -1) AND h.role = t.role AND h.slot = t.slot
     AND h.outputs = t.outputs AND h.inputs = t.inputs AND t.component = $component
    WHERE h.layer IS NULL OR t.expert IS NOT NULL
)
SELECT a.model_id, m.name, m.uri, a.alpha, coalesce(a.rslora, false) AS rslora
FROM adapter AS a
JOIN model AS m USING (model_id)
WHERE a.kind = 'LORA' AND NOT coalesce(a.dora, false) AND a.rank <= $rank
  AND a.model_id NOT IN (SELECT model_id FROM foreign_target)
ORDER BY a.model_id
LIMIT $most;

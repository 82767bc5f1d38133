-- Which registered models could be the base of an adapter, by its shapes and by name? Never evidence that one was.
-- $model_id: the adapter's own (-1 for none); $components, $layers, $experts, $roles, $slots, $outputs, $inputs: lists
-- side by side, the modules that it adapts (no layer: -1, no expert: -1, no width: 0); $every_layer: whether it adapts
-- all layers from 0 on; $parents: declared names. Columns: model_id, name, uri, declared, fits (NULL: cannot be told).
-- The view adapter_bases asks the same of all registered adapters.
WITH wanted AS (
    SELECT unnest($components::VARCHAR[]) AS component, unnest($layers::INTEGER[]) AS layer, unnest($experts::INTEGER[]) AS expert,
           unnest($roles::VARCHAR[]) AS role, unnest($slots::VARCHAR[]) AS slot,
           unnest($outputs::UBIGINT[]) AS outputs, unnest($inputs::UBIGINT[]) AS inputs
), layered AS (
    SELECT * FROM wanted WHERE layer >= 0 AND role NOT IN ('other', 'embed', 'head')
), compared AS (
    SELECT b.model_id,
           count(*) FILTER (b.shape[1] = w.outputs AND list_product(b.shape[2:]) = w.inputs) AS equal,
           count(*) FILTER (w.outputs > 0 AND w.inputs > 0 AND (b.shape[1] != w.outputs OR list_product(b.shape[2:]) != w.inputs)) AS other
    FROM layered AS w
    JOIN tensor AS b
      ON b.component = w.component AND b.layer = w.layer AND coalesce(b.expert::INTEGER, -1) = w.expert
     AND b.role = w.role AND b.slot = w.slot AND len(b.shape) > 1
    GROUP BY b.model_id
), deep AS (
    SELECT d.model_id, bool_and(d.layers >= w.layers AND (d.layers = w.layers OR NOT $every_layer::BOOLEAN)) AS deep
    FROM (SELECT component, max(layer) + 1 AS layers FROM layered GROUP BY component) AS w
    JOIN (SELECT model_id, component, max(layer) + 1 AS layers FROM tensor
          WHERE layer IS NOT NULL AND component != 'adapter' GROUP BY ALL) AS d USING (component)
    GROUP BY d.model_id
), judged AS (
    SELECT model_id,
           CASE WHEN NOT deep OR coalesce(other, 0) > 0 THEN false
                WHEN equal = (SELECT count(*) FROM layered) THEN true END AS fits
    FROM deep LEFT JOIN compared USING (model_id)
)
SELECT m.model_id, m.name, m.uri,
       list_has_any([m.name, m.uri, 'hf://' || m.name, string_split(m.name, '/')[-1]], $parents::VARCHAR[]) AS declared, j.fits
FROM model AS m LEFT JOIN judged AS j USING (model_id)
WHERE m.model_id != $model_id AND m.model_id NOT IN (SELECT model_id FROM adapter) AND (j.fits OR declared)
ORDER BY declared DESC, j.fits DESC, m.name, m.model_id;

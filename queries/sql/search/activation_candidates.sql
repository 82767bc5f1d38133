-- Which components have neurons that take the same tokens together as those of a query component?
-- $model_id: the query's own, left out (-1 for none); $kind: the component's name, language, vision, ...; $signs: BLOB of 1,024 packed bits.
-- The $most nearest with a z of $least_z; agreement of signs as z: (2 x agreeing - n) / sqrt(n).
SELECT model_id, component, 32 - bit_count(xor(signs, $signs::BLOB::BIT)) / 16 AS z
FROM activation_sketch
WHERE model_id != $model_id
  AND components_meet(component, $kind)
  AND z >= $least_z
ORDER BY z DESC, model_id, component
LIMIT $most;

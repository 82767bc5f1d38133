-- Which components are worth a closer look for a query component? One pass over the sketches, without a sort.
-- $model_id: the query's own, left out (-1 for none); $kind: the component's name, language, vision, ...; $position_roles, $gram_roles: masks;
-- $positions, $gram, $columns: BLOBs of packed bits; $o_filled, $down_filled: shares of all codes in its column sets.
-- The $nearest rows by positions come always; beyond them rows with a z of $least_z: the $family best by positions,
-- the $most best by gram of those without positions, the $fewest best by column sets of those without either (how alike the
-- sets of unrelated models are is known from theory only, and wrong by a few z at sizes where most codes are taken).
WITH scored AS MATERIALIZED (
    SELECT model_id, component,
           position_z(position_roles, positions, $position_roles::UTINYINT, $positions::BLOB::BIT) AS position_z,
           gram_z(gram_roles, gram, $gram_roles::UTINYINT, $gram::BLOB::BIT) AS gram_z,
           column_z(column_bits, o_filled, down_filled, $columns::BLOB::BIT, $o_filled, $down_filled) AS minhash_z
    FROM sketch
    WHERE model_id != $model_id AND components_meet(component, $kind)
)
FROM (
    (FROM scored ORDER BY position_z DESC, model_id, component LIMIT $nearest)
    UNION
    (FROM scored WHERE position_z >= $least_z ORDER BY position_z DESC, model_id, component LIMIT $family)
    UNION
    (FROM scored WHERE gram_z >= $least_z AND position_z < $least_z
     ORDER BY gram_z DESC, model_id, component LIMIT $most)
    UNION
    (FROM scored WHERE minhash_z >= $least_z AND position_z < $least_z AND gram_z < $least_z
     ORDER BY minhash_z DESC, model_id, component LIMIT $fewest)
)
ORDER BY greatest(position_z, gram_z, minhash_z) DESC, model_id, component;

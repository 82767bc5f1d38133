-- Which components are worth a closer look for a query component? One pass over the sketches, without a sort.
-- $model_id: the query's own, left out (-1 for none); $kind: language, vision, ...; $position_roles, $gram_roles:
-- masks; $positions, $gram, $columns: BLOBs of packed bits; $o_filled, $down_filled: shares of all codes in its column
-- sets. The $fewest nearest rows by positions come always; beyond them rows with a z of $least_z: the $family best by
-- positions, the $most best by gram of those without positions, the $fewest best by column sets of those without either
-- (how alike the sets of unrelated models are is known from theory only, and wrong by a few z at sizes where most codes
-- are taken). Agreement of signs as z: (2 x agreeing - n) / sqrt(n). Roles that both lack agree in all their zeros: not
-- counted. Of column sets of unrelated models a share j of the 64 minima is equal by chance: all 8 bits agree there,
-- half of them else.
WITH roles AS (
    SELECT model_id, component,
           7 * 256 - 256 * bit_count((127 - (position_roles | $position_roles::UTINYINT))::UTINYINT)::INTEGER AS position_bits,
           5 * 120 - 120 * bit_count((31 - (gram_roles | $gram_roles::UTINYINT))::UTINYINT)::INTEGER AS gram_bits,
           bit_count(xor(positions, $positions::BLOB::BIT)) AS positions_apart,
           bit_count(xor(gram, $gram::BLOB::BIT)) AS gram_apart,
           bit_count(xor(column_bits, $columns::BLOB::BIT)) AS columns_apart,
           CASE WHEN greatest(o_filled, $o_filled) > 0 THEN 1 - o_filled * $o_filled / (o_filled + $o_filled - o_filled * $o_filled)
                ELSE 0 END AS o_strange,
           CASE WHEN greatest(down_filled, $down_filled) > 0 THEN 1 - down_filled * $down_filled / (down_filled + $down_filled - down_filled * $down_filled)
                ELSE 0 END AS down_strange
    FROM sketch
    WHERE model_id != $model_id
      AND CASE WHEN component IN ('encoder', 'decoder') THEN 'language' ELSE component END = $kind
), scored AS MATERIALIZED (
    SELECT model_id, component,
           (position_bits - 2 * positions_apart) / sqrt(greatest(position_bits, 1)) AS position_z,
           (gram_bits - 2 * gram_apart) / sqrt(greatest(gram_bits, 1)) AS gram_z,
           (256 * (o_strange + down_strange) - columns_apart)
               / sqrt(greatest(128 * (o_strange * (9 - 8 * o_strange) + down_strange * (9 - 8 * down_strange)), 1)) AS minhash_z
    FROM roles
)
FROM (
    (FROM scored ORDER BY position_z DESC, model_id, component LIMIT $fewest)
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

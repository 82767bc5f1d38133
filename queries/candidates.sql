-- Which components are worth a closer look for a query component? One scan over the sketches.
-- $model_id: the query's own, left out (-1 for none); $kind: language, vision, ...; $position_roles, $gram_roles: masks;
-- $positions, $gram: BLOBs of packed signs; $minhash: UINTEGER[64]. The $fewest nearest rows by positions come always;
-- beyond them, $most by each kind of evidence with a z of $least_z. Large models share column codes by chance: equal
-- MinHash values count from the lower quartile of the registry (the median may be a large family).
-- Agreement of signs as z: (2 x agreeing - n) / sqrt(n). Roles that both lack agree in all their zeros: not counted.
WITH compared AS (
    SELECT model_id, component,
           7 * 256 - 256 * bit_count((127 - (position_roles | $position_roles::UTINYINT))::UTINYINT)::INTEGER AS position_bits,
           5 * 120 - 120 * bit_count((31 - (gram_roles | $gram_roles::UTINYINT))::UTINYINT)::INTEGER AS gram_bits,
           bit_count(xor(positions, $positions::BLOB::BIT)) AS positions_apart,
           bit_count(xor(gram, $gram::BLOB::BIT)) AS gram_apart,
           list_sum([(pair[1] = pair[2])::INTEGER FOR pair IN list_zip(minhash::UINTEGER[], $minhash::UINTEGER[])]) AS minhash_equal
    FROM sketch
    WHERE model_id != $model_id
      AND CASE WHEN component IN ('encoder', 'decoder') THEN 'language' ELSE component END = $kind
), scored AS (
    SELECT model_id, component, minhash_equal,
           (position_bits - 2 * positions_apart) / sqrt(greatest(position_bits, 1)) AS position_z,
           (gram_bits - 2 * gram_apart) / sqrt(greatest(gram_bits, 1)) AS gram_z,
           (minhash_equal - middle) / greatest(sqrt(middle * (1 - middle / 64)), 1) AS minhash_z
    FROM compared, (SELECT quantile_cont(minhash_equal, 0.25) AS middle FROM compared)
), placed AS (
    SELECT *,
           row_number() OVER (ORDER BY position_z DESC, model_id) AS by_positions,
           row_number() OVER (ORDER BY gram_z DESC, model_id) AS by_gram,
           row_number() OVER (ORDER BY minhash_z DESC, model_id) AS by_minhash
    FROM scored
)
SELECT model_id, component, position_z, gram_z, minhash_z
FROM placed
WHERE by_positions <= $fewest
   OR (position_z >= $least_z AND by_positions <= $most)
   OR (gram_z >= $least_z AND by_gram <= $most)
   OR (minhash_z >= $least_z AND by_minhash <= $most)
ORDER BY greatest(position_z, gram_z, minhash_z) DESC, model_id;

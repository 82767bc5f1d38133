-- What one scan compares besides positions and gram: the column sets of the roles that have no gram. Strangers of large
-- models share many of the codes there are, so their likeness is judged against what sets of such sizes share by chance.
ALTER TABLE sketch ADD COLUMN column_bits BIT;   -- 2 x 64 bytes: MinHash of the union over layers, of o and of down; 0 without
ALTER TABLE sketch ADD COLUMN o_filled FLOAT;    -- share of all codes (256,256) that so many random columns hold, 0 without any
ALTER TABLE sketch ADD COLUMN down_filled FLOAT;

-- A byte of a minimum: bits that agree by chance where minima differ (minima of large sets are small numbers).
CREATE MACRO minimum_byte(minimum) AS ((minimum::UBIGINT * 2654435761) % 4294967296 >> 24)::UTINYINT;

UPDATE sketch
SET column_bits = repeat('0', 1024)::BIT, o_filled = 0, down_filled = 0;

UPDATE sketch
SET column_bits = (coalesce(made.o_bits, repeat('0', 512)) || coalesce(made.down_bits, repeat('0', 512)))::BIT,
    o_filled = coalesce(made.o_filled, 0),
    down_filled = coalesce(made.down_filled, 0)
FROM (
    SELECT model_id, component,
           max(bits) FILTER (role = 'o') AS o_bits, max(bits) FILTER (role = 'down') AS down_bits,
           max(filled) FILTER (role = 'o') AS o_filled, max(filled) FILTER (role = 'down') AS down_filled
    FROM (
        SELECT model_id, component, role, 1 - exp(-max(columns) / 256256) AS filled,
               string_agg(minimum_byte(minimum)::BIT::VARCHAR, '' ORDER BY place) AS bits
        FROM (
            SELECT model_id, component, role, place, min(minimum) AS minimum, sum(columns) AS columns
            FROM (
                SELECT t.model_id, t.component, t.role, list_product(t.shape[2:]) AS columns,
                       unnest(range(1, 65)) AS place, unnest(m.value::UINTEGER[]) AS minimum
                FROM minhash AS m JOIN tensor AS t USING (model_id, tensor_id)
                WHERE t.role IN ('o', 'down') AND t.layer IS NOT NULL
            )
            GROUP BY ALL
        )
        GROUP BY model_id, component, role
    )
    GROUP BY model_id, component
) AS made
WHERE made.model_id = sketch.model_id AND made.component = sketch.component;

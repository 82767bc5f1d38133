-- What several questions say in the same words, said once: kinds of components, names that a card may give, how alike two
-- sketches are, and what is shown of a model. No row changes.

-- What components are compared by: an encoder and a decoder are language too.
CREATE MACRO component_kind(component) AS
    CASE WHEN component IN ('encoder', 'decoder') THEN 'language' ELSE component END;

-- Which models do these names mean, as cards spell their parents? A model's name, its URI, the Hub's URI of that name, or,
-- where the spelled name has no organisation, the last part of any model's name. Columns: spelled, model_id.
CREATE MACRO named_models(names) AS TABLE
    WITH named AS (
        SELECT DISTINCT unnest(names) AS spelled
    )
    SELECT spelled, model_id FROM named JOIN model ON name = spelled
    UNION
    SELECT spelled, model_id FROM named JOIN model ON uri = spelled
    UNION
    SELECT spelled, model_id FROM named JOIN model ON starts_with(spelled, 'hf://') AND name = spelled[6:]
    UNION
    SELECT spelled, model_id FROM named JOIN model ON NOT contains(spelled, '/') AND split_part(name, '/', -1) = spelled;

-- Of the bits of two sketches, those of the roles that either has (`roles`: a bit a role), `width` a role. Roles that both
-- lack agree in all their zeros, and are not counted.
CREATE MACRO counted_bits(width, roles) AS width * bit_count(roles)::INTEGER;

-- How far two sketches agree beyond chance: (2 x agreeing - n) / sqrt(n) of n counted bits, standard normal for models that
-- have nothing in common. 256 bits a role of positions, 120 of gram: as many as values are kept of a tensor.
CREATE MACRO signs_z(width, roles, signs, other_signs) AS
    (counted_bits(width, roles) - 2 * bit_count(xor(signs, other_signs))) / sqrt(greatest(counted_bits(width, roles), 1));
CREATE MACRO position_z(roles, signs, other_roles, other_signs) AS signs_z(256, roles | other_roles, signs, other_signs);
CREATE MACRO gram_z(roles, signs, other_roles, other_signs) AS signs_z(120, roles | other_roles, signs, other_signs);

-- The share of MinHash minima that differ between two sets that have nothing in common and hold such shares of all codes.
CREATE MACRO differing_share(filled, other_filled) AS
    CASE WHEN greatest(filled, other_filled) > 0
         THEN 1 - filled * other_filled / (filled + other_filled - filled * other_filled) ELSE 0 END;

-- Of 64 minima with `share` of them different, 8 bits each: half of a different minimum's bits are apart. Their number has
-- this mean and this variance.
CREATE MACRO bits_apart(share) AS 64 * 4 * share;
CREATE MACRO bits_apart_variance(share) AS 64 * 2 * share * (9 - 8 * share);

-- How far the column sets of o and of down agree beyond what sets of such sizes share by chance, as z.
CREATE MACRO column_z(bits, o_filled, down_filled, other_bits, other_o_filled, other_down_filled) AS
    (bits_apart(differing_share(o_filled, other_o_filled) + differing_share(down_filled, other_down_filled))
        - bit_count(xor(bits, other_bits)))
    / sqrt(greatest(bits_apart_variance(differing_share(o_filled, other_o_filled))
                        + bits_apart_variance(differing_share(down_filled, other_down_filled)), 1));

-- What the log10 of a p-value has to be raised by for the kinds of evidence that were tried and the models there are.
CREATE MACRO evalue_correction(kinds, models) AS log10(kinds) + log10(greatest(1, models));

-- What is shown of a model: a row of `model` without its config and what only the machine needs.
CREATE VIEW model_row AS
    SELECT model_id, name, uri, revision, state, format, architecture, license,
           tensors, parameters, bytes_read, bytes_total, ingested_at
    FROM model;

-- As in 0002, in these words.
CREATE OR REPLACE MACRO sketch_pairs(query_name) AS TABLE
    SELECT mine.model_id AS query_id, other.model_id, mine.component, other.component AS other_component,
           position_z(mine.position_roles, mine.positions, other.position_roles, other.positions) AS position_z,
           gram_z(mine.gram_roles, mine.gram, other.gram_roles, other.gram) AS gram_z,
           list_sum([(pair[1] = pair[2])::INTEGER FOR pair IN list_zip(mine.minhash::UINTEGER[], other.minhash::UINTEGER[])])
               / len(mine.minhash::UINTEGER[]) AS column_jaccard
    FROM (
        SELECT s.*
        FROM sketch AS s JOIN model AS m USING (model_id)
        WHERE query_name IS NULL OR m.name = query_name OR m.uri = query_name
    ) AS mine
    JOIN sketch AS other
      ON other.model_id != mine.model_id AND component_kind(other.component) = component_kind(mine.component);

CREATE OR REPLACE VIEW declared_parents AS
    SELECT m.model_id, m.name, m.uri AS source, d.parent, d.origin, d.relation, p.model_id AS parent_id, p.uri AS parent_source
    FROM declared_parent AS d
    JOIN model AS m USING (model_id)
    LEFT JOIN named_models((SELECT list(DISTINCT parent) FROM declared_parent)) AS k
      ON k.spelled = d.parent AND k.model_id != d.model_id
    LEFT JOIN model AS p ON p.model_id = k.model_id;

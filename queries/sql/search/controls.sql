-- Which registered models have the shape of a component, so that they could serve as controls?
-- $kind: the component's name, language, vision, ...; $roles, $slots, $widths, $shares: lists side by side, what the component has of matrices
-- in layers, with the share of its parameters; $position_roles, $gram_roles, $positions, $gram: its sketch; $left_out:
-- model ids; $layered: whether the component has layers, as against a network of single matrices. Columns: model_id, uri, component, share (of the component's parameters whose role, slot and width the
-- model has too; at least $least), z (the larger of position_z and gram_z of the sketches).
WITH wanted AS (
    SELECT unnest($roles::VARCHAR[]) AS role, unnest($slots::VARCHAR[]) AS slot, unnest($widths::UBIGINT[]) AS width,
           unnest($shares::DOUBLE[]) AS share
), present AS (
    SELECT DISTINCT model_id, component, role, slot, list_product(shape[2:])::UBIGINT AS width
    FROM tensor
    WHERE (layer IS NOT NULL) = $layered AND len(shape) > 1
      AND components_meet(component, $kind)
      AND model_id NOT IN (SELECT unnest($left_out::UINTEGER[]))
), shaped AS (
    SELECT model_id, component, sum(share) AS share
    FROM wanted JOIN present USING (role, slot, width)
    GROUP BY ALL
    HAVING sum(share) >= $least
), sketched AS (
    SELECT shaped.*,
           position_z(position_roles, positions, $position_roles::UTINYINT, $positions::BLOB::BIT) AS position_z,
           gram_z(gram_roles, gram, $gram_roles::UTINYINT, $gram::BLOB::BIT) AS gram_z
    FROM shaped JOIN sketch USING (model_id, component)
)
SELECT model_id, uri, component, share, greatest(position_z, gram_z) AS z
FROM sketched JOIN model USING (model_id)
ORDER BY share DESC, z DESC, uri, model_id;

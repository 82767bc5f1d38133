-- How many registered models hold enough matrices of the shapes of a network, or embeddings of its widths?
-- $model_id: the component's own, left out (-1 for none); $kind: the component's name, network, vision, ...; $roles, $widths, $shapes, $shares:
-- lists side by side, what the component has, with the share of its parameters; a role, a width or a shape that is NULL may be
-- any. Models count from the share $least on. Only models of this kind are looked at.
WITH wanted AS (
    SELECT unnest(range(len($shares::DOUBLE[]))) AS number, unnest($roles::VARCHAR[]) AS role, unnest($widths::UBIGINT[]) AS width,
           unnest($shapes::UBIGINT[][]) AS shape, unnest($shares::DOUBLE[]) AS share
), same_kind AS (
    SELECT DISTINCT model_id, component FROM sketch WHERE components_meet(component, $kind) AND model_id != $model_id
), present AS (
    SELECT DISTINCT model_id, component, role, shape
    FROM tensor SEMI JOIN same_kind USING (model_id, component)
    WHERE len(shape) > 1 AND rows_read > 0
), found AS (
    SELECT DISTINCT p.model_id, p.component, w.number, w.share
    FROM wanted AS w
    JOIN present AS p ON (w.shape IS NULL OR p.shape = w.shape) AND (w.role IS NULL OR p.role = w.role)
     AND (w.width IS NULL OR list_product(p.shape[2:])::UBIGINT = w.width)
), shares AS (
    SELECT model_id, component, sum(share) AS share FROM found GROUP BY ALL
)
SELECT count(DISTINCT model_id) AS models FROM shares WHERE share >= $least;

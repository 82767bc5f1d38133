-- Which registered models are among the names $parents, and which declare one of the names $own as their parent? Names are
-- spelled as `named_models` and `model_spelling` say. $model_id is left out.
--
-- `model` stands for the few models that `named_models` could mean, here and inside of it: a name in any spelling ends in
-- letters that its model's name or source has too (and a % or _ among them only lets more through). Spelling a million of them
-- out took 0.7 s of processor time, this 0.09.
WITH meant AS (
    SELECT DISTINCT lower(split_part(model_spelling(unnest($parents::VARCHAR[])), '/', -1)) AS last
), model AS MATERIALIZED (
    FROM registry.main.model AS m SEMI JOIN meant ON m.name ILIKE '%' || last || '%' OR m.uri ILIKE '%' || last || '%'
), own AS (
    SELECT model_spelling(name) AS spelling, split_part(model_spelling(name), '/', -1) AS last
    FROM (SELECT DISTINCT unnest($own::VARCHAR[]) AS name)
), found AS (
    SELECT model_id, true AS is_parent FROM named_models($parents::VARCHAR[])
    UNION ALL
    SELECT model_id, false
    FROM declared_parent
    SEMI JOIN own ON parent ILIKE '%' || last || '%'
        AND (model_spelling(parent) = spelling OR (names_any_organisation(parent) AND model_spelling(parent) = last))
)
SELECT model_id, bool_or(is_parent) AS is_parent, bool_or(NOT is_parent) AS is_child
FROM found
WHERE model_id != $model_id
GROUP BY model_id;

-- Which of the models $called are among the names $parents, and which of $declaring declare one of the names $own as their
-- parent? Names are spelled as `named_models` and `model_spelling` say. $model_id is left out.
--
-- `model` stands for the few models that the names could mean, here and inside of `named_models`.
WITH model AS MATERIALIZED (
    SELECT model_id, name, uri, revision
    FROM registry.main.model
    WHERE model_id IN (SELECT unnest($called::UINTEGER[]))
), own AS (
    SELECT spelling, split_part(spelling, '/', -1) AS last
    FROM (SELECT model_spelling(unnest($own::VARCHAR[])) AS spelling)
), spelled AS (
    SELECT model_id, model_spelling(parent) AS spelling, names_any_organisation(parent) AS any_organisation
    FROM declared_parent
    WHERE model_id IN (SELECT unnest($declaring::UINTEGER[]))
), found AS (
    SELECT model_id, true AS is_parent FROM named_models($parents::VARCHAR[])
    UNION ALL
    SELECT s.model_id, false
    FROM spelled AS s SEMI JOIN own AS o ON s.spelling = o.spelling OR (s.any_organisation AND s.spelling = o.last)
)
SELECT model_id, bool_or(is_parent) AS is_parent, bool_or(NOT is_parent) AS is_child
FROM found
WHERE model_id != $model_id
GROUP BY model_id;

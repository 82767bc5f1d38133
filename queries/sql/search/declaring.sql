-- Which models could declare one of the names $names as a parent: of which declared parent is the last part the same, in one
-- spelling? As `called` finds it.
SELECT DISTINCT model_id
FROM declared_parent
SEMI JOIN (
    SELECT last FROM (SELECT DISTINCT split_part(model_spelling(unnest($names::VARCHAR[])), '/', -1) AS last) WHERE last != ''
) ON parent ILIKE '%' || last || '%' AND split_part(model_spelling(parent), '/', -1) = last
ORDER BY model_id;

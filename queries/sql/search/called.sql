-- Which models could the names $names mean: of which name or source is the last part the same, in one spelling? Letters first:
-- a name in any spelling ends in those that its model's name or source has too (and a % or _ among them only lets more
-- through). Spelling a million of them out takes 0.7 s of processor time, this 0.05.
SELECT model_id
FROM model
SEMI JOIN (
    SELECT last FROM (SELECT DISTINCT split_part(model_spelling(unnest($names::VARCHAR[])), '/', -1) AS last) WHERE last != ''
) ON (name ILIKE '%' || last || '%' AND split_part(model_spelling(name), '/', -1) = last)
    OR (uri ILIKE '%' || last || '%' AND split_part(model_spelling(uri), '/', -1) = last)
ORDER BY model_id;

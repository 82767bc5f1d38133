-- Which names of models look like $name? The three most alike by Jaro-Winkler similarity, without case, of the whole name
-- or of its part behind the organisation; below 0.8 nobody would take one for the other.
SELECT name
FROM (
    SELECT name, max(greatest(
        jaro_winkler_similarity(lower(name), lower($name)),
        jaro_winkler_similarity(lower(parse_filename(name)), lower(parse_filename($name)))
    )) AS likeness
    FROM model
    GROUP BY name
)
WHERE likeness >= 0.8
ORDER BY likeness DESC, name
LIMIT 3;

-- The keys of $texts, as `keys` has those of a registry; $meaning is what they are: a name, a parent, or a content.
SELECT DISTINCT hash($meaning::VARCHAR, said) AS key
FROM (
    SELECT CASE WHEN $meaning::VARCHAR = 'content' THEN text ELSE split_part(model_spelling(text), '/', -1) END AS said
    FROM (SELECT unnest($texts::VARCHAR[]) AS text)
)
WHERE said != '';

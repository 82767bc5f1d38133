-- The keys of the names $texts, as `keys` has those of a registry; $meaning is what they are: a name, or a parent.
SELECT DISTINCT hash($meaning::VARCHAR, last) AS key
FROM (SELECT split_part(model_spelling(unnest($texts::VARCHAR[])), '/', -1) AS last)
WHERE last != '';

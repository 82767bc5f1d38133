-- The models that the missing ancestor $inferred_id is inferred from, with their own ways, identities and release dates.
SELECT i.model_id, i.way, i.identity, i.log10_p, m.released_at
FROM inferred_member AS i
JOIN model AS m USING (model_id)
WHERE i.inferred_id = $inferred_id
ORDER BY i.model_id;

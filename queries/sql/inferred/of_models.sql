-- Which missing ancestors are inferred from one of the models $models, or were found in one? With that model, and whether
-- any model was found to stand there.
SELECT DISTINCT inferred_id, model_id, inferred_id IN (SELECT inferred_id FROM inferred_match) AS found
FROM (
    SELECT inferred_id, model_id FROM inferred_member
    UNION ALL
    SELECT inferred_id, model_id FROM inferred_match
)
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY ALL;

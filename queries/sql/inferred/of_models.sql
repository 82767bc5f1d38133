-- Which missing ancestors are inferred from one of the models $models, or were found in one? With that model.
SELECT DISTINCT inferred_id, model_id
FROM (
    SELECT inferred_id, model_id FROM inferred_member
    UNION ALL
    SELECT inferred_id, model_id FROM inferred_match
)
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
ORDER BY ALL;

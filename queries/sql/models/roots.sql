-- Which of the models $models were trained from scratch by somebody's claim? model_id, and the source of the claim.
SELECT model_id, min(source) AS source
FROM known_root
WHERE model_id IN (SELECT unnest($models::UINTEGER[]))
GROUP BY model_id
ORDER BY model_id;

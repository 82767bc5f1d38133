-- The values of the missing ancestor $inferred_id, with the tensors that they stand in.
SELECT layer, expert, tensor, shape, value
FROM inferred_tensor
WHERE inferred_id = $inferred_id
ORDER BY place;

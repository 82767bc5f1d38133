-- Which models are there? All of them, oldest first.
FROM model_row
ORDER BY model_id;

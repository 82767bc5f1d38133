-- Keeps that the model $model_id stands where the missing ancestor $inferred_id does: $way, $identity, $exact_share, $earlier.
INSERT INTO inferred_match VALUES ($inferred_id, $model_id, $way, $identity, $exact_share, $earlier);

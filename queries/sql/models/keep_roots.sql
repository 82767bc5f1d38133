-- Hands the claims about the model $earlier on to the one that takes its place, $model_id: claims are about a source, and outlast
-- its being read again.
UPDATE root_claim SET model_id = $model_id WHERE model_id = $earlier;

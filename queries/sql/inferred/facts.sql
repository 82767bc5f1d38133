-- Which component the missing ancestor $inferred_id is of, by which bounds matches are judged, and what most members share.
SELECT component, light, exact_share
FROM inferred
WHERE inferred_id = $inferred_id;

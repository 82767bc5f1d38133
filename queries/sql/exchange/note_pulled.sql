-- Notes that the part $sha256 of the place $place was brought whole.
INSERT INTO pulled_part
SELECT $place, $sha256, current_timestamp AT TIME ZONE 'UTC'
WHERE NOT EXISTS (FROM pulled_part WHERE place = $place AND sha256 = $sha256);

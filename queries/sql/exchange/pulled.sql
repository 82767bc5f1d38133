-- Which parts of the place $place were brought whole?
SELECT sha256 FROM pulled_part WHERE place = $place;

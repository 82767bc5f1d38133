-- Which repositories of $author (NULL: of anyone) could not be kept? Least tried first, at most $most.
SELECT uri, tries, reason
FROM attempt
WHERE $author IS NULL OR starts_with(lower(uri), lower('hf://' || $author || '/'))
ORDER BY tries, attempted_at, uri
LIMIT $most;

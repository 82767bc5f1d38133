-- Which missing ancestors are there, what are they inferred from, and what was found to stand there?
SELECT inferred_id, name, component, models, sources, exact_share, least_identity, most_identity, dated, run_id, found, found_sources,
       found_identities, found_earlier
FROM inferred_ancestors;

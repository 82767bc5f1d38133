-- Which models of run $run_id are of one lineage with a nearest relative, without a declaration that says so, and without
-- anything that tells which came first? Once a pair, the model of the later source in the alphabet first: the order in which
-- models were ingested says nothing. A direction counts as told from a probability of $told on.
INSERT INTO audit_finding
WITH related AS (
    SELECT p.*, m.uri AS mine, o.uri AS theirs
    FROM audit_pair AS p
    JOIN audit_run AS r USING (run_id)
    JOIN model AS m ON m.model_id = p.query_id
    JOIN model AS o ON o.model_id = p.relative_id
    WHERE p.run_id = $run_id AND p.origin = 'derivation' AND p.log10_evalue <= r.max_log10_e
), settled AS (
    SELECT least(query_id, relative_id) AS one, greatest(query_id, relative_id) AS other
    FROM related
    WHERE declared OR declared_child OR direction_probability >= $told OR direction IN ('descendant', 'sibling', 'copy')
), placed AS (
    SELECT DISTINCT query_id FROM audit_finding WHERE run_id = $run_id AND kind = 'ancestor'
), nearest AS (
    FROM related
    WHERE rank = (SELECT min(n.rank) FROM related AS n WHERE n.query_id = related.query_id AND n.component = related.component)
)
SELECT DISTINCT ON (least(mine, theirs), greatest(mine, theirs), component)
       $run_id, 'ancestor', 'direction_unknown', query_id, component, relative_id, relative_component, NULL,
       reason || '; which came first cannot be told'
FROM nearest
ANTI JOIN settled ON one = least(query_id, relative_id) AND other = greatest(query_id, relative_id)
ANTI JOIN placed USING (query_id)
ORDER BY least(mine, theirs), greatest(mine, theirs), component, mine DESC;

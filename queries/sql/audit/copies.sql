-- Which of $models hold the same weights? Pairs, each with how it is known; $run_id is the run that compared them. Two that share
-- one component and not the others are none. Of a group of equal contents or equal files each is paired with the one released
-- first, or else with the first source.
WITH scope AS (
    SELECT model_id, content, released_at, uri, coalesce(revision, '') AS revision, tensors > 0 AND bytes_read > 0 AS filled
    FROM model SEMI JOIN (SELECT unnest($models::UINTEGER[]) AS model_id) USING (model_id)
), by_content AS (
    SELECT model_id, first_value(model_id) OVER (PARTITION BY content ORDER BY released_at NULLS LAST, uri, revision) AS other_id
    FROM scope
    WHERE filled
), hashed AS (
    SELECT model_id, string_agg(sha256, ' ' ORDER BY sha256) AS hashes
    FROM file SEMI JOIN scope USING (model_id)
    WHERE regexp_matches(path, '\.(safetensors|bin|pt|pth|gguf|onnx|msgpack|h5)$')
    GROUP BY model_id
    HAVING count(*) = count(sha256)
), by_files AS (
    SELECT model_id, first_value(model_id) OVER (PARTITION BY hashes ORDER BY released_at NULLS LAST, uri, revision) AS other_id
    FROM hashed JOIN scope USING (model_id)
)
SELECT p.query_id AS model_id, p.relative_id AS other_id,
       CASE WHEN bool_and(list_contains(p.relation, 'identical')) THEN 'identical' ELSE 'numeric_copy' END AS reason
FROM audit_pair AS p
JOIN audit_run AS r USING (run_id)
JOIN copied_whole($run_id, ['identical', 'numeric_copy']) AS w USING (query_id, relative_id)
WHERE p.run_id = $run_id AND p.origin IS NOT NULL AND p.log10_evalue <= r.max_log10_e AND w.in_relative AND w.in_query
GROUP BY p.query_id, p.relative_id
HAVING bool_and(list_has_any(p.relation, ['identical', 'numeric_copy']))
UNION ALL
SELECT model_id, other_id, 'equal content' FROM by_content WHERE model_id != other_id
UNION ALL
SELECT model_id, other_id, 'equal files' FROM by_files WHERE model_id != other_id
ORDER BY model_id, other_id, reason;

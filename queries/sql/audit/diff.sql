-- What changed from run $earlier to run $later? Findings are the same when kind, model, relative and components are, by
-- their sources: a model that was ingested again is the same. One that keeps its place but whose status, relation, origin,
-- direction or rank is another has changed. Models that only one run asked about are left out. A pair of ancestor
-- and descendant is one finding, whichever of the two stands first, and its other side, which stands among the relatives, is no change.
WITH asked AS (
    SELECT source FROM audit_model WHERE run_id = $earlier AND asked
    INTERSECT
    SELECT source FROM audit_model WHERE run_id = $later AND asked
), open AS (
    SELECT DISTINCT least(query_source, relative_source) AS one, greatest(query_source, relative_source) AS other
    FROM audit_findings WHERE run_id IN ($earlier, $later) AND status = 'direction_unknown'
), old AS (
    SELECT *, coalesce(relative_source, relative) AS other,
           CASE WHEN kind = 'ancestor' THEN least(query_source, other) ELSE query_source END AS first,
           CASE WHEN kind = 'ancestor' THEN greatest(query_source, other) ELSE other END AS second
    FROM audit_findings WHERE run_id = $earlier
    QUALIFY row_number() OVER (PARTITION BY kind, first, component, second, relative_component ORDER BY status = 'direction_unknown', status) = 1
), new AS (
    SELECT *, coalesce(relative_source, relative) AS other,
           CASE WHEN kind = 'ancestor' THEN least(query_source, other) ELSE query_source END AS first,
           CASE WHEN kind = 'ancestor' THEN greatest(query_source, other) ELSE other END AS second
    FROM audit_findings WHERE run_id = $later
    QUALIFY row_number() OVER (PARTITION BY kind, first, component, second, relative_component ORDER BY status = 'direction_unknown', status) = 1
)
SELECT CASE WHEN old.kind IS NULL THEN 'appeared' WHEN new.kind IS NULL THEN 'gone' ELSE 'changed' END AS change,
       coalesce(new.kind, old.kind) AS kind, old.status AS status_before, new.status AS status_after,
       coalesce(new.query, old.query) AS query, coalesce(new.query_source, old.query_source) AS query_source,
       coalesce(new.component, old.component) AS component,
       coalesce(new.relative, old.relative) AS relative, coalesce(new.relative_source, old.relative_source) AS relative_source,
       old.rank AS rank_before, new.rank AS rank_after, old.relation AS relation_before, new.relation AS relation_after,
       coalesce(new.reason, old.reason) AS reason
FROM old
FULL JOIN new
  ON new.kind = old.kind AND new.first = old.first AND new.component IS NOT DISTINCT FROM old.component
 AND new.second = old.second
 AND new.relative_component IS NOT DISTINCT FROM old.relative_component
WHERE coalesce(new.query_source, old.query_source) IN (FROM asked)
  AND NOT (coalesce(new.kind, old.kind) = 'relative' AND (new.kind IS NULL OR old.kind IS NULL)
           AND {'one': least(coalesce(new.first, old.first), coalesce(new.second, old.second)),
                'other': greatest(coalesce(new.first, old.first), coalesce(new.second, old.second))} IN (SELECT open FROM open))
  AND (old.kind IS NULL OR new.kind IS NULL
   OR old.status != new.status OR old.origin IS DISTINCT FROM new.origin OR old.direction IS DISTINCT FROM new.direction
   OR old.query_source = new.query_source
  AND (old.relation IS DISTINCT FROM new.relation OR old.rank IS DISTINCT FROM new.rank))
ORDER BY kind, query, query_source, relative, relative_source, component, change;

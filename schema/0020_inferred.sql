-- Missing ancestors: what registered models come from that is not registered itself. `audit` infers them; they are no models:
-- nothing counts them, no search finds them, and they go with the first of their members.

CREATE TABLE inferred (
    inferred_id UINTEGER NOT NULL,
    component   VARCHAR NOT NULL,
    light       BOOLEAN NOT NULL,
    dated       BOOLEAN NOT NULL,
    exact_share DOUBLE NOT NULL,
    run_id      UINTEGER NOT NULL
);

CREATE TABLE inferred_member (
    inferred_id UINTEGER NOT NULL,
    model_id    UINTEGER NOT NULL,
    way         DOUBLE NOT NULL,
    identity    DOUBLE NOT NULL,
    log10_p     DOUBLE NOT NULL
);

CREATE TABLE inferred_tensor (
    inferred_id UINTEGER NOT NULL,
    place       UINTEGER NOT NULL,
    layer       INTEGER NOT NULL,
    expert      INTEGER NOT NULL,
    tensor      VARCHAR NOT NULL,
    shape       UBIGINT[] NOT NULL,
    value       FLOAT[256] NOT NULL
);

CREATE TABLE inferred_match (
    inferred_id UINTEGER NOT NULL,
    model_id    UINTEGER NOT NULL,
    way         DOUBLE NOT NULL,
    identity    DOUBLE NOT NULL,
    exact_share DOUBLE NOT NULL,
    earlier     BOOLEAN NOT NULL
);

-- A row a missing ancestor, with what it is inferred from and what was found to stand there.
CREATE VIEW inferred_ancestors AS
    WITH members AS (
        SELECT i.inferred_id, list(m.name ORDER BY m.model_id) AS models, list(m.uri ORDER BY m.model_id) AS sources,
               min(i.identity) AS least_identity, max(i.identity) AS most_identity
        FROM inferred_member AS i
        JOIN model AS m USING (model_id)
        GROUP BY i.inferred_id
    ), matched AS (
        SELECT i.inferred_id, list(m.name ORDER BY NOT i.earlier, abs(i.way), m.model_id) AS found,
               list(m.uri ORDER BY NOT i.earlier, abs(i.way), m.model_id) AS found_sources,
               list(i.identity ORDER BY NOT i.earlier, abs(i.way), m.model_id) AS found_identities,
               list(i.earlier ORDER BY NOT i.earlier, abs(i.way), m.model_id) AS found_earlier
        FROM inferred_match AS i
        JOIN model AS m USING (model_id)
        GROUP BY i.inferred_id
    )
    SELECT 'inferred-' || n.inferred_id AS name, n.component, e.models, e.sources, n.exact_share, e.least_identity, e.most_identity,
           n.dated, n.run_id, coalesce(f.found, []) AS found, coalesce(f.found_sources, []) AS found_sources,
           coalesce(f.found_identities, []) AS found_identities, coalesce(f.found_earlier, []) AS found_earlier, n.inferred_id
    FROM inferred AS n
    JOIN members AS e USING (inferred_id)
    LEFT JOIN matched AS f USING (inferred_id)
    ORDER BY n.inferred_id;

COMMENT ON TABLE inferred IS 'missing ancestors: what registered models come from that is not registered; never a published model';
COMMENT ON COLUMN inferred.inferred_id IS 'its number; it is shown as inferred-NUMBER';
COMMENT ON COLUMN inferred.component IS 'the part of the models with a stack of its own: language, vision, ...';
COMMENT ON COLUMN inferred.light IS 'whether the members differ in few of their values, which says by which bounds matches are judged';
COMMENT ON COLUMN inferred.dated IS 'whether release dates were needed: a model stands there that was released after others came forth';
COMMENT ON COLUMN inferred.exact_share IS 'share of its values that more than half of the members hold bit for bit in bfloat16; others are their centre';
COMMENT ON COLUMN inferred.run_id IS 'the audit run that inferred it';

COMMENT ON TABLE inferred_member IS 'the models that a missing ancestor is inferred from';
COMMENT ON COLUMN inferred_member.inferred_id IS 'as of inferred';
COMMENT ON COLUMN inferred_member.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN inferred_member.way IS 'squared relative distance that the model went alone from where all meet';
COMMENT ON COLUMN inferred_member.identity IS 'correlation of its weights with the values that the other members give: the null of a match';
COMMENT ON COLUMN inferred_member.log10_p IS 'log10 of the probability that unrelated values are as alike';

COMMENT ON TABLE inferred_tensor IS 'the values of missing ancestors at the places of `positions`';
COMMENT ON COLUMN inferred_tensor.inferred_id IS 'as of inferred';
COMMENT ON COLUMN inferred_tensor.place IS 'order, from 0';
COMMENT ON COLUMN inferred_tensor.layer IS 'layer, -1 outside the stacks';
COMMENT ON COLUMN inferred_tensor.expert IS 'expert, -1 for none';
COMMENT ON COLUMN inferred_tensor.tensor IS 'role and slot';
COMMENT ON COLUMN inferred_tensor.shape IS 'logical: [out, in]';
COMMENT ON COLUMN inferred_tensor.value IS 'values at the places of positions, 0 for padding';

COMMENT ON TABLE inferred_match IS 'registered models that stand where a missing ancestor does';
COMMENT ON COLUMN inferred_match.inferred_id IS 'as of inferred';
COMMENT ON COLUMN inferred_match.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN inferred_match.way IS 'what the model went alone from there, as a share of what members usually did; near 0 for the ancestor';
COMMENT ON COLUMN inferred_match.identity IS 'correlation of its weights with the inferred values';
COMMENT ON COLUMN inferred_match.exact_share IS 'share of the values which most members hold that it holds too';
COMMENT ON COLUMN inferred_match.earlier IS 'whether it claims to be released before every member; false where dates are not known';

COMMENT ON VIEW inferred_ancestors IS 'missing ancestors, what they are inferred from, and which models were found to stand there';
COMMENT ON COLUMN inferred_ancestors.name IS 'inferred-NUMBER';
COMMENT ON COLUMN inferred_ancestors.component IS 'as of inferred';
COMMENT ON COLUMN inferred_ancestors.models IS 'names of the models that it is inferred from';
COMMENT ON COLUMN inferred_ancestors.sources IS 'their sources';
COMMENT ON COLUMN inferred_ancestors.exact_share IS 'as of inferred';
COMMENT ON COLUMN inferred_ancestors.least_identity IS 'smallest identity of a member with the values that the others give';
COMMENT ON COLUMN inferred_ancestors.most_identity IS 'largest of them';
COMMENT ON COLUMN inferred_ancestors.dated IS 'as of inferred';
COMMENT ON COLUMN inferred_ancestors.run_id IS 'as of inferred';
COMMENT ON COLUMN inferred_ancestors.found IS 'names of the models that stand there, what claims to be earlier first';
COMMENT ON COLUMN inferred_ancestors.found_sources IS 'their sources';
COMMENT ON COLUMN inferred_ancestors.found_identities IS 'their identities with the inferred values';
COMMENT ON COLUMN inferred_ancestors.found_earlier IS 'whether each claims to be released before every member';
COMMENT ON COLUMN inferred_ancestors.inferred_id IS 'as of inferred';

-- Audits: every model against all others. A run keeps what it found under its number, whole, so that SQL can ask it and
-- two runs can be compared; nothing of an earlier run changes when models are added or removed later.

CREATE SEQUENCE audit_run_id START 1;

CREATE TABLE audit_run (
    run_id      UINTEGER PRIMARY KEY,
    queries     VARCHAR NOT NULL,      -- the filter of the models that were asked about; '' for all
    against     VARCHAR NOT NULL,      -- the filter of the models that they were compared with; '' for all
    since       TIMESTAMP,             -- UTC: asked were models ingested from then on; NULL for all
    max_log10_e DOUBLE NOT NULL,       -- what counts as found
    whole       BOOLEAN NOT NULL,      -- nothing was taken over from earlier runs
    models      UINTEGER NOT NULL,     -- in the registry when it began
    newest      UINTEGER NOT NULL,     -- the largest model_id then
    asked       UINTEGER NOT NULL,     -- models asked about
    started_at  TIMESTAMP NOT NULL,    -- UTC
    finished_at TIMESTAMP,             -- UTC; NULL while it runs, and after it was ended: the next audit goes on with it
    evaluated   UBIGINT,               -- pairs of components whose evidence was computed for this run
    carried     UBIGINT                -- pairs taken over from earlier runs, their E-values corrected for the new size
);

-- What a run that goes on still has to do, empty between runs: components of models, and their candidates.
CREATE TABLE audit_task (
    query_id   UINTEGER NOT NULL,
    component  VARCHAR NOT NULL,
    base_run   UINTEGER,               -- the newest run with an answer; NULL for none
    seen_until UINTEGER,               -- of that answer
    evaluate   BOOLEAN NOT NULL        -- whether the evidence is computed; else that answer is taken over
);

CREATE TABLE audit_candidate (
    query_id           UINTEGER NOT NULL,
    component          VARCHAR NOT NULL,
    relative_id        UINTEGER NOT NULL,
    relative_component VARCHAR NOT NULL,
    z                  DOUBLE          -- largest z of the sketches; NULL for a candidate that is known otherwise
);

-- The models of a run as they were then: names, licences and families outlast a removal. `id` is the model_id.
CREATE TABLE audit_model (
    run_id    UINTEGER NOT NULL,
    id        UINTEGER NOT NULL,
    name      VARCHAR NOT NULL,
    source    VARCHAR NOT NULL,
    license   VARCHAR,
    asked     BOOLEAN NOT NULL,
    family_id UINTEGER                 -- of audit_family; NULL for a model without relatives
);

-- Groups of models that found relations connect (a shared initialisation alone does not), named after the member that
-- most others have as their nearest ancestor.
CREATE TABLE audit_family (
    run_id    UINTEGER NOT NULL,
    family_id UINTEGER NOT NULL,
    name      VARCHAR NOT NULL,
    members   UINTEGER NOT NULL
);

-- Re-uploads and format copies: models whose weights are those of another (`original_id`: the one released, or else
-- ingested, first), groups of any size. Found by evidence (identical, numeric_copy), by equal values of everything that
-- was read (equal content), or by the hashes of all files of weights (equal files).
CREATE TABLE audit_duplicate (
    run_id      UINTEGER NOT NULL,
    id          UINTEGER NOT NULL,
    original_id UINTEGER NOT NULL,
    reason      VARCHAR NOT NULL
);

-- The verdict for each component of each model asked about.
CREATE TABLE audit_query (
    run_id        UINTEGER NOT NULL,
    query_id      UINTEGER NOT NULL,
    component     VARCHAR NOT NULL,
    verdict       VARCHAR NOT NULL,    -- derived, shared_initialisation, unrelated, inconclusive
    sentence      VARCHAR NOT NULL,
    compared      UINTEGER NOT NULL,   -- models it was compared with: what E-values are corrected for
    seen_until    UINTEGER NOT NULL,   -- the largest model_id then: what is larger is new to this row
    evaluated_run UINTEGER NOT NULL    -- the run that computed it: this one, or the one it is carried from
);

-- Every pair of components whose evidence was computed: relatives, and the few strangers that looked near by sketch.
CREATE TABLE audit_pair (
    run_id             UINTEGER NOT NULL,
    query_id           UINTEGER NOT NULL,
    component          VARCHAR NOT NULL,
    relative_id        UINTEGER NOT NULL,
    relative_component VARCHAR NOT NULL,
    rank               UINTEGER NOT NULL,  -- among the relatives of the component; equal ranks cannot be told apart
    place              UINTEGER NOT NULL,  -- the row's place in the answer of `forebear ancestors`
    origin             VARCHAR,            -- derived, shared_initialisation, undecided; NULL for strangers
    direction          VARCHAR,            -- ancestor, aside (sibling or descendant), untold; NULL for strangers
    evidence           VARCHAR,            -- the kind that says most: positions, gram, minhash
    log10_p_positions  DOUBLE,             -- p-values by kind, NULL where the kind was not looked at
    log10_p_gram       DOUBLE,
    log10_p_minhash    DOUBLE,
    log10_evalue       DOUBLE NOT NULL,    -- for the number of models of this run
    identity           DOUBLE NOT NULL,
    coverage           DOUBLE NOT NULL,
    distance           DOUBLE NOT NULL,
    relation           VARCHAR[] NOT NULL, -- finetuned, merged, numeric_copy, ...
    reason             VARCHAR NOT NULL,
    merged_with        VARCHAR,
    declared           BOOLEAN NOT NULL,   -- the query names the relative as its parent
    declared_child     BOOLEAN NOT NULL    -- the relative names the query as its parent
);

-- What a run found, in the order of importance for people; one row a relation, declaration, duplicate or conflict.
CREATE TABLE audit_finding (
    run_id       UINTEGER NOT NULL,
    kind         VARCHAR NOT NULL,     -- see status
    status       VARCHAR NOT NULL,     -- of an ancestor or a duplicate: confirmed (declared and found) or undeclared;
                                       -- of a declaration that was not found: contradicted or not_comparable;
                                       -- of a relative (siblings, descendants, ancestors further up): related;
                                       -- of a licence: conflict or not_judged
    query_id     UINTEGER NOT NULL,
    component    VARCHAR,
    relative_id  UINTEGER,             -- NULL for a declared parent that is not in the registry
    relative_component VARCHAR,
    declared     VARCHAR,              -- the declaration as written, where there is one
    reason       VARCHAR NOT NULL
);

-- Licences as cards write them. `permissiveness`: 0 gives up all rights; 1 permissive with notice; 2 weak copyleft or
-- share-alike of the file; 3 copyleft; 4 use restrictions that pass on; 5 terms of one vendor with further conditions;
-- 6 no commercial use; 7 neither commercial use nor derivatives, or research only. A larger number is more restrictive:
-- a child under a smaller number than its ancestor's is a conflict. This is an order for finding cases to look at, no
-- legal advice. NULL: not judged. `source` is where the terms stand.
CREATE TABLE licence (
    id             VARCHAR PRIMARY KEY, -- in lower case
    permissiveness UTINYINT,
    obligations    VARCHAR[] NOT NULL,  -- notice, share_alike, disclose_source, use_policy, naming, terms, user_limit, noncommercial, no_derivatives
    source         VARCHAR NOT NULL
);

INSERT INTO licence VALUES
    ('cc0-1.0',        0, [], 'SPDX CC0-1.0'),
    ('unlicense',      0, [], 'SPDX Unlicense'),
    ('wtfpl',          0, [], 'SPDX WTFPL'),
    ('pddl',           0, [], 'SPDX PDDL-1.0'),
    ('0bsd',           0, [], 'SPDX 0BSD'),
    ('mit-0',          0, [], 'SPDX MIT-0'),
    ('mit',            1, ['notice'], 'SPDX MIT'),
    ('apache-2.0',     1, ['notice'], 'SPDX Apache-2.0, section 4'),
    ('bsd',            1, ['notice'], 'SPDX BSD family'),
    ('bsd-2-clause',   1, ['notice'], 'SPDX BSD-2-Clause'),
    ('bsd-3-clause',   1, ['notice'], 'SPDX BSD-3-Clause'),
    ('bsd-3-clause-clear', 1, ['notice'], 'SPDX BSD-3-Clause-Clear'),
    ('isc',            1, ['notice'], 'SPDX ISC'),
    ('zlib',           1, ['notice'], 'SPDX Zlib'),
    ('bsl-1.0',        1, ['notice'], 'SPDX BSL-1.0'),
    ('ncsa',           1, ['notice'], 'SPDX NCSA'),
    ('postgresql',     1, ['notice'], 'SPDX PostgreSQL'),
    ('ms-pl',          1, ['notice'], 'SPDX MS-PL'),
    ('artistic-2.0',   1, ['notice'], 'SPDX Artistic-2.0'),
    ('afl-3.0',        1, ['notice'], 'SPDX AFL-3.0'),
    ('ecl-2.0',        1, ['notice'], 'SPDX ECL-2.0'),
    ('cc-by-2.0',      1, ['notice'], 'SPDX CC-BY-2.0'),
    ('cc-by-2.5',      1, ['notice'], 'SPDX CC-BY-2.5'),
    ('cc-by-3.0',      1, ['notice'], 'SPDX CC-BY-3.0'),
    ('cc-by-4.0',      1, ['notice'], 'SPDX CC-BY-4.0'),
    ('odc-by',         1, ['notice'], 'SPDX ODC-By-1.0'),
    ('cdla-permissive-1.0', 1, ['notice'], 'SPDX CDLA-Permissive-1.0'),
    ('cdla-permissive-2.0', 1, ['notice'], 'SPDX CDLA-Permissive-2.0'),
    ('openmdw-1.0',    1, ['notice'], 'openmdw.ai, version 1.0'),
    ('mpl-2.0',        2, ['notice', 'share_alike', 'disclose_source'], 'SPDX MPL-2.0'),
    ('lgpl',           2, ['notice', 'share_alike', 'disclose_source'], 'SPDX LGPL family'),
    ('lgpl-2.1',       2, ['notice', 'share_alike', 'disclose_source'], 'SPDX LGPL-2.1'),
    ('lgpl-3.0',       2, ['notice', 'share_alike', 'disclose_source'], 'SPDX LGPL-3.0'),
    ('epl-1.0',        2, ['notice', 'share_alike', 'disclose_source'], 'SPDX EPL-1.0'),
    ('epl-2.0',        2, ['notice', 'share_alike', 'disclose_source'], 'SPDX EPL-2.0'),
    ('eupl-1.1',       2, ['notice', 'share_alike', 'disclose_source'], 'SPDX EUPL-1.1'),
    ('eupl-1.2',       2, ['notice', 'share_alike', 'disclose_source'], 'SPDX EUPL-1.2'),
    ('cdla-sharing-1.0', 2, ['notice', 'share_alike'], 'SPDX CDLA-Sharing-1.0'),
    ('odbl',           2, ['notice', 'share_alike'], 'SPDX ODbL-1.0'),
    ('cc-by-sa-3.0',   3, ['notice', 'share_alike'], 'SPDX CC-BY-SA-3.0'),
    ('cc-by-sa-4.0',   3, ['notice', 'share_alike'], 'SPDX CC-BY-SA-4.0'),
    ('gfdl',           3, ['notice', 'share_alike'], 'SPDX GFDL family'),
    ('gpl',            3, ['notice', 'share_alike', 'disclose_source'], 'SPDX GPL family'),
    ('gpl-2.0',        3, ['notice', 'share_alike', 'disclose_source'], 'SPDX GPL-2.0'),
    ('gpl-3.0',        3, ['notice', 'share_alike', 'disclose_source'], 'SPDX GPL-3.0'),
    ('agpl-3.0',       3, ['notice', 'share_alike', 'disclose_source'], 'SPDX AGPL-3.0'),
    ('osl-3.0',        3, ['notice', 'share_alike', 'disclose_source'], 'SPDX OSL-3.0'),
    ('openrail',       4, ['notice', 'use_policy'], 'licenses.ai, OpenRAIL family'),
    ('openrail++',     4, ['notice', 'use_policy'], 'CreativeML Open RAIL++-M'),
    ('creativeml-openrail-m', 4, ['notice', 'use_policy'], 'CreativeML Open RAIL-M, paragraph 4 and attachment A'),
    ('bigscience-openrail-m', 4, ['notice', 'use_policy'], 'BigScience OpenRAIL-M'),
    ('bigscience-bloom-rail-1.0', 4, ['notice', 'use_policy'], 'BigScience BLOOM RAIL 1.0'),
    ('bigcode-openrail-m', 4, ['notice', 'use_policy'], 'BigCode OpenRAIL-M v1'),
    ('deepseek',       4, ['notice', 'use_policy'], 'DeepSeek License Agreement 1.0, attachment A (early models; later ones are MIT)'),
    ('deepfloyd-if-license', 6, ['notice', 'use_policy', 'noncommercial'], 'DeepFloyd IF License: research only'),
    ('gemma',          5, ['notice', 'use_policy', 'terms'], 'Gemma Terms of Use, section 3'),
    ('llama2',         5, ['notice', 'use_policy', 'terms', 'user_limit'], 'Llama 2 Community License, sections 1 and 2'),
    ('llama3',         5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Meta Llama 3 Community License, sections 1.b and 2'),
    ('llama3.1',       5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Llama 3.1 Community License, sections 1.b and 2'),
    ('llama3.2',       5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Llama 3.2 Community License, sections 1.b and 2'),
    ('llama3.3',       5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Llama 3.3 Community License, sections 1.b and 2'),
    ('llama4',         5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Llama 4 Community License, sections 1.b and 2'),
    ('qwen',           5, ['notice', 'terms', 'naming', 'user_limit'], 'Qwen License Agreement (100 million users), sections 3 to 5'),
    ('tongyi-qianwen', 5, ['notice', 'terms', 'user_limit'], 'Tongyi Qianwen License Agreement'),
    ('tongyi-qianwen-research', 7, ['notice', 'terms', 'noncommercial'], 'Tongyi Qianwen Research License Agreement'),
    ('qwen-research',  7, ['notice', 'terms', 'noncommercial'], 'Qwen Research License Agreement'),
    ('falcon-llm-license', 5, ['notice', 'use_policy', 'terms'], 'Falcon LLM License'),
    ('stabilityai-ai-community', 5, ['notice', 'use_policy', 'terms', 'naming', 'user_limit'], 'Stability AI Community License'),
    ('cc-by-nc-2.0',   6, ['notice', 'noncommercial'], 'SPDX CC-BY-NC-2.0'),
    ('cc-by-nc-3.0',   6, ['notice', 'noncommercial'], 'SPDX CC-BY-NC-3.0'),
    ('cc-by-nc-4.0',   6, ['notice', 'noncommercial'], 'SPDX CC-BY-NC-4.0'),
    ('cc-by-nc-sa-2.0', 6, ['notice', 'share_alike', 'noncommercial'], 'SPDX CC-BY-NC-SA-2.0'),
    ('cc-by-nc-sa-3.0', 6, ['notice', 'share_alike', 'noncommercial'], 'SPDX CC-BY-NC-SA-3.0'),
    ('cc-by-nc-sa-4.0', 6, ['notice', 'share_alike', 'noncommercial'], 'SPDX CC-BY-NC-SA-4.0'),
    ('fair-noncommercial-research-license', 6, ['notice', 'use_policy', 'noncommercial'], 'FAIR Noncommercial Research License v1'),
    ('intel-research', 6, ['notice', 'noncommercial'], 'Intel Research Use License'),
    ('cc-by-nd-4.0',   7, ['notice', 'no_derivatives'], 'SPDX CC-BY-ND-4.0'),
    ('cc-by-nc-nd-3.0', 7, ['notice', 'noncommercial', 'no_derivatives'], 'SPDX CC-BY-NC-ND-3.0'),
    ('cc-by-nc-nd-4.0', 7, ['notice', 'noncommercial', 'no_derivatives'], 'SPDX CC-BY-NC-ND-4.0'),
    ('apple-amlr',     7, ['notice', 'noncommercial'], 'Apple Machine Learning Research Model License'),
    ('apple-ascl',     1, ['notice'], 'Apple Sample Code License'),
    ('cc',             NULL, [], 'a family of licences that differ: not judged'),
    ('other',          NULL, [], 'the terms stand in the repository: not judged'),
    ('unknown',        NULL, [], 'not judged');

-- The newest run that finished, with names: what most questions are about.
CREATE VIEW audit_findings AS
    SELECT f.run_id, f.kind, f.status, q.name AS query, q.source AS query_source, f.component,
           coalesce(r.name, f.declared) AS relative, r.source AS relative_source, f.relative_component, f.declared,
           p.rank, p.origin, p.direction, p.evidence, p.log10_evalue, p.identity, p.coverage, p.distance,
           p.relation, p.merged_with, f.reason, q.license AS query_license, r.license AS relative_license,
           g.name AS family
    FROM audit_finding AS f
    JOIN audit_model AS q ON q.run_id = f.run_id AND q.id = f.query_id
    LEFT JOIN audit_model AS r ON r.run_id = f.run_id AND r.id = f.relative_id
    LEFT JOIN audit_family AS g ON g.run_id = q.run_id AND g.family_id = q.family_id
    LEFT JOIN audit_pair AS p
      ON p.run_id = f.run_id AND p.query_id = f.query_id AND p.component = f.component AND p.relative_id = f.relative_id
     AND p.relative_component = f.relative_component;

CREATE VIEW audit_latest AS
    SELECT * FROM audit_findings WHERE run_id = (SELECT max(run_id) FROM audit_run WHERE finished_at IS NOT NULL);

-- Adapters: small matrices that change a base model without holding it. An adapter is a row of `model` like any other,
-- with a row here; its component is called `adapter`, and it is compared with adapters alone.
-- One run, re-uploads, continued trainings: FROM neighbors('org/adapter'), FROM ancestors('org/adapter').

CREATE TABLE adapter (
    model_id      UINTEGER NOT NULL,
    kind          VARCHAR NOT NULL,       -- peft_type as declared (LORA, LOHA, IA3, ...), else what the names tell
    base          VARCHAR,                -- base_model_name_or_path as declared; also in declared_parent
    base_revision VARCHAR,                -- as declared
    rank          UINTEGER,               -- the largest of its factors; NULL where there are none
    alpha         DOUBLE,                 -- as declared, or the largest of those in the file
    task          VARCHAR,                -- task_type as declared
    dora          BOOLEAN NOT NULL,       -- with magnitudes
    rslora        BOOLEAN NOT NULL,       -- scaled by alpha / sqrt(rank)
    every_layer   BOOLEAN NOT NULL,       -- adapts the layers 0, 1, 2 ... without a gap, and none is singled out by its config
    layers        USMALLINT NOT NULL,     -- the highest adapted layer and one; 0 without layers
    targets       VARCHAR[] NOT NULL      -- last parts of the adapted modules' names: q_proj, v_proj
);

-- One row an adapted module: where it stands in the base, and the widths that the base must have there.
CREATE TABLE adapter_target (
    model_id  UINTEGER NOT NULL,
    component VARCHAR NOT NULL,           -- of the base: language, vision, denoiser, ...
    layer     USMALLINT,
    expert    USMALLINT,
    role      VARCHAR NOT NULL,
    slot      VARCHAR NOT NULL,
    module    VARCHAR NOT NULL,           -- its name without the prefixes of PEFT
    outputs   UBIGINT,                    -- NULL where the adapter's shapes do not tell
    inputs    UBIGINT,
    rank      UINTEGER
);

-- Which registered models could be the base of an adapter, by shape alone: never evidence that one was.
-- fits: true when every adapted module is there with its widths, and there are as many layers; false when one has other
-- widths or layers are missing; NULL when it cannot be told (fused or skipped matrices). Rows: what fits, and what is declared.
CREATE VIEW adapter_bases AS
    WITH wanted AS (
        SELECT t.*, count(*) OVER (PARTITION BY t.model_id) AS targets
        FROM adapter_target AS t
        WHERE t.layer IS NOT NULL AND t.role NOT IN ('other', 'embed', 'head')
    ), depth AS (
        SELECT model_id, component, max(layer) + 1 AS layers
        FROM tensor WHERE layer IS NOT NULL AND component != 'adapter' GROUP BY ALL
    ), compared AS (
        SELECT w.model_id, b.model_id AS base_id, any_value(w.targets) AS targets,
               count(*) FILTER (b.shape[1] = w.outputs AND list_product(b.shape[2:]) = w.inputs) AS equal,
               count(*) FILTER (b.shape[1] != w.outputs OR list_product(b.shape[2:]) != w.inputs) AS other
        FROM wanted AS w
        JOIN tensor AS b
          ON b.component = w.component AND b.layer = w.layer AND b.expert IS NOT DISTINCT FROM w.expert
         AND b.role = w.role AND b.slot = w.slot AND len(b.shape) > 1
        GROUP BY w.model_id, b.model_id
    ), layered AS (
        SELECT w.model_id, d.model_id AS base_id,
               bool_and(d.layers >= w.layers AND (d.layers = w.layers OR NOT a.every_layer)) AS deep
        FROM (SELECT model_id, component, max(layer) + 1 AS layers FROM wanted GROUP BY ALL) AS w
        JOIN adapter AS a USING (model_id)
        JOIN depth AS d USING (component)
        GROUP BY w.model_id, d.model_id
    ), judged AS (
        SELECT model_id, base_id,
               CASE WHEN NOT deep OR coalesce(other, 0) > 0 THEN false WHEN equal = targets THEN true END AS fits
        FROM layered LEFT JOIN compared USING (model_id, base_id)
    ), declared AS (
        SELECT DISTINCT model_id, parent_id AS base_id FROM declared_parents WHERE parent_id IS NOT NULL
    )
    SELECT m.model_id, m.name, m.uri AS source, b.model_id AS base_id, b.name AS base, b.uri AS base_source,
           d.base_id IS NOT NULL AS declared, j.fits
    FROM adapter AS a
    JOIN model AS m USING (model_id)
    JOIN model AS b ON b.model_id != a.model_id AND b.model_id NOT IN (SELECT model_id FROM adapter)
    LEFT JOIN judged AS j ON j.model_id = a.model_id AND j.base_id = b.model_id
    LEFT JOIN declared AS d ON d.model_id = a.model_id AND d.base_id = b.model_id
    WHERE j.fits OR d.base_id IS NOT NULL
    ORDER BY m.name, m.model_id, declared DESC, j.fits DESC, b.name;

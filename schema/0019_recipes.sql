-- Recipes of merges: what models declare, what replay recovers, and whether the two agree; and the parts of models.
-- `audit` keeps recipes of the models that declare one or look merged; `recipe --keep` and `parts --keep` keep one answer.

CREATE TABLE declared_recipe (
    model_id UINTEGER NOT NULL,
    origin   VARCHAR NOT NULL,
    method   VARCHAR NOT NULL,
    base     VARCHAR,
    config   VARCHAR NOT NULL
);

CREATE TABLE declared_recipe_parent (
    model_id UINTEGER NOT NULL,
    origin   VARCHAR NOT NULL,
    parent   VARCHAR NOT NULL,
    weight   DOUBLE,
    graded   BOOLEAN NOT NULL
);

CREATE TABLE recipe (
    model_id      UINTEGER NOT NULL,
    component     VARCHAR NOT NULL,
    method        VARCHAR,
    base          VARCHAR,
    base_source   VARCHAR,
    exact_share   DOUBLE,
    changed_share DOUBLE,
    rival_share   DOUBLE,
    rival         VARCHAR,
    unexplained   DOUBLE,
    arithmetic    VARCHAR,
    out_type      VARCHAR,
    twins         VARCHAR[],
    notes         VARCHAR[],
    mergekit      VARCHAR,
    asked_at      TIMESTAMP NOT NULL
);

CREATE TABLE recipe_parent (
    model_id  UINTEGER NOT NULL,
    component VARCHAR NOT NULL,
    place     UINTEGER NOT NULL,
    parent    VARCHAR NOT NULL,
    source    VARCHAR NOT NULL,
    weight    DOUBLE NOT NULL,
    low       DOUBLE,
    high      DOUBLE
);

CREATE TABLE recipe_check (
    model_id  UINTEGER NOT NULL,
    component VARCHAR NOT NULL,
    origin    VARCHAR NOT NULL,
    status    VARCHAR NOT NULL,
    declared  VARCHAR,
    reason    VARCHAR NOT NULL
);

CREATE TABLE part (
    model_id     UINTEGER NOT NULL,
    place        UINTEGER NOT NULL,
    component    VARCHAR NOT NULL,
    block        VARCHAR NOT NULL,
    model        VARCHAR,
    source       VARCHAR,
    model_block  VARCHAR,
    share        DOUBLE NOT NULL,
    identity     DOUBLE,
    log10_evalue DOUBLE,
    asked_at     TIMESTAMP NOT NULL
);

-- A row a parent of every recipe that is kept.
CREATE VIEW recipes AS
    SELECT m.name AS model, m.uri AS model_source, r.component, r.method, r.base, p.parent, p.source, p.weight, p.low, p.high,
           r.exact_share, r.changed_share, r.rival_share, r.unexplained, r.twins, r.mergekit, r.asked_at
    FROM recipe AS r
    JOIN model AS m USING (model_id)
    JOIN recipe_parent AS p USING (model_id, component)
    WHERE r.method IS NOT NULL
    ORDER BY m.name, r.component, p.place;

-- A row a block of every model whose parts are kept.
CREATE VIEW parts AS
    SELECT m.name AS query, m.uri AS query_source, p.component, p.block, p.model, p.source, p.model_block, p.share, p.identity,
           p.log10_evalue, p.asked_at
    FROM part AS p
    JOIN model AS m USING (model_id)
    ORDER BY m.name, p.place;

COMMENT ON TABLE declared_recipe IS 'recipes of merges as models declare them: claims, never evidence';
COMMENT ON COLUMN declared_recipe.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN declared_recipe.origin IS 'mergekit_config.yml, mergekit_moe_config.yml, card, or card 2 for the second one in it';
COMMENT ON COLUMN declared_recipe.method IS 'merge_method as written; moe for a mixture of dense models; several stages';
COMMENT ON COLUMN declared_recipe.base IS 'base_model as written, without an adapter';
COMMENT ON COLUMN declared_recipe.config IS 'the YAML as it was written';

COMMENT ON TABLE declared_recipe_parent IS 'the parents that a declared recipe names';
COMMENT ON COLUMN declared_recipe_parent.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN declared_recipe_parent.origin IS 'as of declared_recipe';
COMMENT ON COLUMN declared_recipe_parent.parent IS 'as written: org/name, or a path';
COMMENT ON COLUMN declared_recipe_parent.weight IS 'as declared, the mean of a gradient, the share of layers that are copied; NULL where it says none';
COMMENT ON COLUMN declared_recipe_parent.graded IS 'whether it differs from layer to layer';

COMMENT ON TABLE recipe IS 'recipes that replay recovered, a row a component of every model that was asked for one';
COMMENT ON COLUMN recipe.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN recipe.component IS 'the part of the model with a stack of its own: language, vision, ...';
COMMENT ON COLUMN recipe.method IS 'as mergekit names it; unknown where no method reproduces a mixture; NULL where there is no recipe';
COMMENT ON COLUMN recipe.base IS 'name of the model that changes were taken against';
COMMENT ON COLUMN recipe.base_source IS 'its source';
COMMENT ON COLUMN recipe.exact_share IS 'share of the sampled values that the replay gives bit for bit';
COMMENT ON COLUMN recipe.changed_share IS 'the same of the values that differ from the nearest relative';
COMMENT ON COLUMN recipe.rival_share IS 'exact_share of the best other recipe';
COMMENT ON COLUMN recipe.rival IS 'what that is, in words';
COMMENT ON COLUMN recipe.unexplained IS 'squared distance that the fit leaves, as a share of that to the nearest parent';
COMMENT ON COLUMN recipe.arithmetic IS 'type that the merge was computed in';
COMMENT ON COLUMN recipe.out_type IS 'type of the model';
COMMENT ON COLUMN recipe.twins IS 'methods that reproduce as much';
COMMENT ON COLUMN recipe.notes IS 'what cannot be told, in words';
COMMENT ON COLUMN recipe.mergekit IS 'configuration that mergekit makes the model by';
COMMENT ON COLUMN recipe.asked_at IS 'UTC';

COMMENT ON TABLE recipe_parent IS 'the parents of recipes that replay recovered';
COMMENT ON COLUMN recipe_parent.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN recipe_parent.component IS 'as of recipe';
COMMENT ON COLUMN recipe_parent.place IS 'in the order of the recipe, from 0';
COMMENT ON COLUMN recipe_parent.parent IS 'name of the parent';
COMMENT ON COLUMN recipe_parent.source IS 'its source';
COMMENT ON COLUMN recipe_parent.weight IS 'how much of it there is, the mean over layers';
COMMENT ON COLUMN recipe_parent.low IS 'the lower of both regressions, two standard errors lower; NULL where regression says nothing';
COMMENT ON COLUMN recipe_parent.high IS 'the higher one, two standard errors higher';

COMMENT ON TABLE recipe_check IS 'whether what a model declares agrees with what replay recovered';
COMMENT ON COLUMN recipe_check.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN recipe_check.component IS 'as of recipe';
COMMENT ON COLUMN recipe_check.origin IS 'as of declared_recipe';
COMMENT ON COLUMN recipe_check.status IS 'recipe_confirmed, recipe_contradicted or recipe_not_checkable';
COMMENT ON COLUMN recipe_check.declared IS 'the parent that it is about, as written; NULL for the whole recipe';
COMMENT ON COLUMN recipe_check.reason IS 'in words';

COMMENT ON TABLE part IS 'where every block of a model comes from, as parts --keep kept it';
COMMENT ON COLUMN part.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN part.place IS 'in the order of the answer, from 0';
COMMENT ON COLUMN part.component IS 'the part of the model with a stack of its own: language, vision, ...';
COMMENT ON COLUMN part.block IS 'component, layer, expert, half';
COMMENT ON COLUMN part.model IS 'name of the model that explains it best; NULL where nothing does';
COMMENT ON COLUMN part.source IS 'its source';
COMMENT ON COLUMN part.model_block IS 'which of its blocks';
COMMENT ON COLUMN part.share IS 'of the parameters of the component';
COMMENT ON COLUMN part.identity IS 'correlation of the weights that match';
COMMENT ON COLUMN part.log10_evalue IS 'how many unrelated models would match as well by chance';
COMMENT ON COLUMN part.asked_at IS 'UTC';

COMMENT ON VIEW recipes IS 'recipes that were kept, by audit or by recipe --keep, a row a parent';
COMMENT ON COLUMN recipes.model IS 'name of the merge';
COMMENT ON COLUMN recipes.model_source IS 'its source';
COMMENT ON COLUMN recipes.component IS 'as of recipe';
COMMENT ON COLUMN recipes.method IS 'as of recipe';
COMMENT ON COLUMN recipes.base IS 'as of recipe';
COMMENT ON COLUMN recipes.parent IS 'as of recipe_parent';
COMMENT ON COLUMN recipes.source IS 'as of recipe_parent';
COMMENT ON COLUMN recipes.weight IS 'as of recipe_parent';
COMMENT ON COLUMN recipes.low IS 'as of recipe_parent';
COMMENT ON COLUMN recipes.high IS 'as of recipe_parent';
COMMENT ON COLUMN recipes.exact_share IS 'as of recipe';
COMMENT ON COLUMN recipes.changed_share IS 'as of recipe';
COMMENT ON COLUMN recipes.rival_share IS 'as of recipe';
COMMENT ON COLUMN recipes.unexplained IS 'as of recipe';
COMMENT ON COLUMN recipes.twins IS 'as of recipe';
COMMENT ON COLUMN recipes.mergekit IS 'as of recipe';
COMMENT ON COLUMN recipes.asked_at IS 'as of recipe';

COMMENT ON VIEW parts IS 'parts of models that were kept by parts --keep, a row a block';
COMMENT ON COLUMN parts.query IS 'name of the model whose parts these are';
COMMENT ON COLUMN parts.query_source IS 'its source';
COMMENT ON COLUMN parts.component IS 'as of part';
COMMENT ON COLUMN parts.block IS 'as of part';
COMMENT ON COLUMN parts.model IS 'as of part';
COMMENT ON COLUMN parts.source IS 'as of part';
COMMENT ON COLUMN parts.model_block IS 'as of part';
COMMENT ON COLUMN parts.share IS 'as of part';
COMMENT ON COLUMN parts.identity IS 'as of part';
COMMENT ON COLUMN parts.log10_evalue IS 'as of part';
COMMENT ON COLUMN parts.asked_at IS 'as of part';

-- The stable layer: views and macros in the schema `public` that stay as they are while the tables behind them change. A
-- column is never taken away or given another meaning; new ones come at the end (tests/schema/public_columns.txt). What
-- stands outside of `public` may change with any version.

CREATE SCHEMA public;

CREATE VIEW public.models AS
    SELECT model_id, name, uri AS source, revision, format, architecture, model_type, license, parameters, tensors,
           bytes_read, bytes_total, released_at, ingested_at, fingerprint_version
    FROM main.model;

CREATE VIEW public.tensors AS
    SELECT t.model_id, m.name AS model, t.name, t.component, t.layer, t.expert, t.role, t.dtype, t.shape,
           t.represents AS parameters, t.rows_read, t.mean, t.std, t.rms, t.max AS largest, t.kurtosis, t.zeros
    FROM main.tensor AS t
    JOIN main.model AS m USING (model_id);

CREATE VIEW public.unread_tensors AS
    SELECT s.model_id, m.name AS model, s.name, s.component, s.parameters, s.reason
    FROM main.skipped_tensor AS s
    JOIN main.model AS m USING (model_id);

CREATE VIEW public.files AS
    SELECT f.model_id, m.name AS model, f.path, f.size, f.sha256
    FROM main.file AS f
    JOIN main.model AS m USING (model_id);

CREATE VIEW public.repositories AS
    SELECT h.model_id, m.name AS model, h.author, h.created_at, h.modified_at, h.downloads, h.likes, h.library, h.task, h.gated,
           h.tags
    FROM main.hub AS h
    JOIN main.model AS m USING (model_id);

CREATE VIEW public.unread_sources AS
    SELECT uri AS source, attempted_at, tries, reason FROM main.attempt;

CREATE VIEW public.declared_parents AS
    SELECT model_id, name AS model, source, parent, origin, relation, parent_id, parent_source FROM main.declared_parents;

CREATE VIEW public.roots AS
    SELECT k.model_id, m.name AS model, m.uri AS source, k.source AS claimed_by
    FROM main.known_root AS k
    JOIN main.model AS m USING (model_id);

CREATE VIEW public.audits AS
    SELECT run_id, queries, against, whole, models, asked, started_at, finished_at FROM main.audit_run;

CREATE VIEW public.findings AS
    SELECT run_id, kind, status, query AS model, query_source AS source, component, relative, relative_source, declared, rank,
           origin, direction, direction_probability, direction_by, evidence, log10_evalue, identity, coverage,
           coverage_without_match, coverage_not_comparable, coverage_not_read, distance, relation, merged_with, reason,
           query_license AS license, relative_license, family
    FROM main.audit_findings;

CREATE VIEW public.latest_findings AS
    FROM public.findings WHERE run_id = (SELECT max(run_id) FROM main.audit_run WHERE finished_at IS NOT NULL);

CREATE VIEW public.tree_edges AS
    SELECT child, child_source, parent, parent_source, directed, relation, "by", log10_evalue, components FROM main.tree_edges;

CREATE VIEW public.recipes AS
    SELECT model, model_source AS source, component, method, base, parent, source AS parent_source, weight, low, high,
           exact_share, unexplained, mergekit, asked_at
    FROM main.recipes;

CREATE VIEW public.parts AS
    SELECT query AS model, query_source AS source, component, block, model AS explained_by, source AS explained_by_source,
           model_block AS explained_by_block, share, identity, log10_evalue, asked_at
    FROM main.parts;

CREATE VIEW public.licences AS
    SELECT id, permissiveness, obligations, source FROM main.licence;

-- The likeliest ancestors, as in main: FROM public.ancestors('org/model', k := 10). A name that no model has is an error.
CREATE MACRO public.ancestors(model, k := 10) AS TABLE
    FROM main.ancestors(model, k := k);

-- The nearest models by sketch alone. A name that no model has is an error.
CREATE MACRO public.nearest(model, k := 10) AS TABLE
    FROM main.nearest(model, k := k);

COMMENT ON VIEW public.models IS 'the models of the registry, a row a model';
COMMENT ON COLUMN public.models.model_id IS 'number of the model in this file; another file has others';
COMMENT ON COLUMN public.models.name IS 'name of the model, which is for people and may repeat';
COMMENT ON COLUMN public.models.source IS 'file:///... or hf://org/name; with the revision it identifies the model';
COMMENT ON COLUMN public.models.revision IS 'the commit, where the source has them';
COMMENT ON COLUMN public.models.format IS 'format of the files: safetensors, gguf, ...';
COMMENT ON COLUMN public.models.architecture IS 'config.architectures[0]';
COMMENT ON COLUMN public.models.model_type IS 'config.model_type';
COMMENT ON COLUMN public.models.license IS 'licence as the card writes it, in lower case';
COMMENT ON COLUMN public.models.parameters IS 'parameters of all tensors';
COMMENT ON COLUMN public.models.tensors IS 'tensors in the files, those not read included';
COMMENT ON COLUMN public.models.bytes_read IS 'bytes of weights that were read';
COMMENT ON COLUMN public.models.bytes_total IS 'bytes of the files of weights';
COMMENT ON COLUMN public.models.released_at IS 'UTC; when the source published it, where it says so';
COMMENT ON COLUMN public.models.ingested_at IS 'UTC';
COMMENT ON COLUMN public.models.fingerprint_version IS 'version that the fingerprint has';

COMMENT ON VIEW public.tensors IS 'the tensors that were read or named, with what was measured of the values read';
COMMENT ON COLUMN public.tensors.model_id IS 'as of models';
COMMENT ON COLUMN public.tensors.model IS 'name of the model';
COMMENT ON COLUMN public.tensors.name IS 'name of the tensor in the files';
COMMENT ON COLUMN public.tensors.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN public.tensors.layer IS 'NULL outside the stacks';
COMMENT ON COLUMN public.tensors.expert IS 'NULL outside routed experts';
COMMENT ON COLUMN public.tensors.role IS 'embed head q k v o gate up down router norm bias conv other';
COMMENT ON COLUMN public.tensors.dtype IS 'type of the stored values';
COMMENT ON COLUMN public.tensors.shape IS 'logical: [out, in]';
COMMENT ON COLUMN public.tensors.parameters IS 'parameters it stands for (routed experts that were not read too)';
COMMENT ON COLUMN public.tensors.rows_read IS 'leading rows that were read';
COMMENT ON COLUMN public.tensors.mean IS 'of the sampled values';
COMMENT ON COLUMN public.tensors.std IS 'standard deviation of the sampled values';
COMMENT ON COLUMN public.tensors.rms IS 'root mean square of the sampled values';
COMMENT ON COLUMN public.tensors.largest IS 'largest magnitude of the sampled values';
COMMENT ON COLUMN public.tensors.kurtosis IS 'of the sampled values';
COMMENT ON COLUMN public.tensors.zeros IS 'share of zeros among the values read';

COMMENT ON VIEW public.unread_tensors IS 'what could not be read of models, and why';
COMMENT ON COLUMN public.unread_tensors.model_id IS 'as of models';
COMMENT ON COLUMN public.unread_tensors.model IS 'name of the model';
COMMENT ON COLUMN public.unread_tensors.name IS 'name of the tensor in the files';
COMMENT ON COLUMN public.unread_tensors.component IS 'the part of the model that it stands in';
COMMENT ON COLUMN public.unread_tensors.parameters IS 'its parameters';
COMMENT ON COLUMN public.unread_tensors.reason IS 'why, in words';

COMMENT ON VIEW public.files IS 'the files of models';
COMMENT ON COLUMN public.files.model_id IS 'as of models';
COMMENT ON COLUMN public.files.model IS 'name of the model';
COMMENT ON COLUMN public.files.path IS 'path of the file within the source';
COMMENT ON COLUMN public.files.size IS 'in bytes';
COMMENT ON COLUMN public.files.sha256 IS 'where the source knows it: LFS and Xet files of the Hub';

COMMENT ON VIEW public.repositories IS 'what the Hub says of models';
COMMENT ON COLUMN public.repositories.model_id IS 'as of models';
COMMENT ON COLUMN public.repositories.model IS 'name of the model';
COMMENT ON COLUMN public.repositories.author IS 'who published it';
COMMENT ON COLUMN public.repositories.created_at IS 'UTC';
COMMENT ON COLUMN public.repositories.modified_at IS 'UTC';
COMMENT ON COLUMN public.repositories.downloads IS 'as the Hub counts them';
COMMENT ON COLUMN public.repositories.likes IS 'as the Hub counts them';
COMMENT ON COLUMN public.repositories.library IS 'the library it is made for';
COMMENT ON COLUMN public.repositories.task IS 'the pipeline tag';
COMMENT ON COLUMN public.repositories.gated IS 'auto or manual; NULL for open models';
COMMENT ON COLUMN public.repositories.tags IS 'as the Hub lists them';

COMMENT ON VIEW public.unread_sources IS 'sources that could not be kept at their last try';
COMMENT ON COLUMN public.unread_sources.source IS 'as it was named';
COMMENT ON COLUMN public.unread_sources.attempted_at IS 'UTC; the last try';
COMMENT ON COLUMN public.unread_sources.tries IS 'how many there were';
COMMENT ON COLUMN public.unread_sources.reason IS 'why, in words';

COMMENT ON VIEW public.declared_parents IS 'what models declare as their parents, and which registered model that is: claims, never evidence';
COMMENT ON COLUMN public.declared_parents.model_id IS 'as of models';
COMMENT ON COLUMN public.declared_parents.model IS 'name of the model';
COMMENT ON COLUMN public.declared_parents.source IS 'its source';
COMMENT ON COLUMN public.declared_parents.parent IS 'the parent as it is written';
COMMENT ON COLUMN public.declared_parents.origin IS 'where: card, hub or config';
COMMENT ON COLUMN public.declared_parents.relation IS 'finetune, adapter, merge, quantized, where the card says';
COMMENT ON COLUMN public.declared_parents.parent_id IS 'model_id of the declared parent; NULL where it is not registered';
COMMENT ON COLUMN public.declared_parents.parent_source IS 'source of the declared parent';

COMMENT ON VIEW public.roots IS 'models of which somebody says that they were trained from scratch';
COMMENT ON COLUMN public.roots.model_id IS 'as of models';
COMMENT ON COLUMN public.roots.model IS 'name of the model';
COMMENT ON COLUMN public.roots.source IS 'its source';
COMMENT ON COLUMN public.roots.claimed_by IS 'whose word it is';

COMMENT ON VIEW public.audits IS 'the audits, finished or not';
COMMENT ON COLUMN public.audits.run_id IS 'number of the audit';
COMMENT ON COLUMN public.audits.queries IS 'the filter of the models that were asked about; empty for all';
COMMENT ON COLUMN public.audits.against IS 'the filter of the models that they were compared with; empty for all';
COMMENT ON COLUMN public.audits.whole IS 'whether nothing was taken over from earlier audits';
COMMENT ON COLUMN public.audits.models IS 'in the registry when it began';
COMMENT ON COLUMN public.audits.asked IS 'models asked about';
COMMENT ON COLUMN public.audits.started_at IS 'UTC';
COMMENT ON COLUMN public.audits.finished_at IS 'UTC; NULL where it did not finish';

COMMENT ON VIEW public.tree_edges IS 'edges of the family trees of the newest audit of everything';
COMMENT ON COLUMN public.tree_edges.child IS 'name of the model that came later, or of either where directed is false';
COMMENT ON COLUMN public.tree_edges.child_source IS 'its source';
COMMENT ON COLUMN public.tree_edges.parent IS 'name of the model that came first, or of the other one where directed is false';
COMMENT ON COLUMN public.tree_edges.parent_source IS 'its source';
COMMENT ON COLUMN public.tree_edges.directed IS 'whether it is told which came first';
COMMENT ON COLUMN public.tree_edges.relation IS 'what was done to the weights, as flags';
COMMENT ON COLUMN public.tree_edges."by" IS 'what the edge rests on, in words';
COMMENT ON COLUMN public.tree_edges.log10_evalue IS 'log10 of the E-value of the pair, the smaller one of the two answers';
COMMENT ON COLUMN public.tree_edges.components IS 'the components in which the two are related';

COMMENT ON VIEW public.recipes IS 'recipes of merges that were recovered and kept, a row a parent';
COMMENT ON COLUMN public.recipes.model IS 'name of the merge';
COMMENT ON COLUMN public.recipes.source IS 'its source';
COMMENT ON COLUMN public.recipes.component IS 'the part of the model with a stack of its own';
COMMENT ON COLUMN public.recipes.method IS 'as mergekit names it; unknown where no method reproduces a mixture';
COMMENT ON COLUMN public.recipes.base IS 'name of the model that changes were taken against';
COMMENT ON COLUMN public.recipes.parent IS 'name of the parent';
COMMENT ON COLUMN public.recipes.parent_source IS 'its source';
COMMENT ON COLUMN public.recipes.weight IS 'how much of it there is, the mean over layers';
COMMENT ON COLUMN public.recipes.low IS 'least that the data allow';
COMMENT ON COLUMN public.recipes.high IS 'most that the data allow';
COMMENT ON COLUMN public.recipes.exact_share IS 'share of the sampled values that the replay gives bit for bit';
COMMENT ON COLUMN public.recipes.unexplained IS 'squared distance that the fit leaves, as a share of that to the nearest parent';
COMMENT ON COLUMN public.recipes.mergekit IS 'configuration that mergekit makes the model by';
COMMENT ON COLUMN public.recipes.asked_at IS 'UTC';

COMMENT ON VIEW public.parts IS 'where every block of a model comes from, as it was kept';
COMMENT ON COLUMN public.parts.model IS 'name of the model whose parts these are';
COMMENT ON COLUMN public.parts.source IS 'its source';
COMMENT ON COLUMN public.parts.component IS 'the part of the model with a stack of its own';
COMMENT ON COLUMN public.parts.block IS 'component, layer, expert, half';
COMMENT ON COLUMN public.parts.explained_by IS 'name of the model that explains the block best; NULL where nothing does';
COMMENT ON COLUMN public.parts.explained_by_source IS 'its source';
COMMENT ON COLUMN public.parts.explained_by_block IS 'which of its blocks';
COMMENT ON COLUMN public.parts.share IS 'of the parameters of the component';
COMMENT ON COLUMN public.parts.identity IS 'correlation of the weights that match';
COMMENT ON COLUMN public.parts.log10_evalue IS 'how many unrelated models would match as well by chance';
COMMENT ON COLUMN public.parts.asked_at IS 'UTC';

COMMENT ON VIEW public.licences IS 'licences, ordered by how much they restrict';
COMMENT ON COLUMN public.licences.id IS 'in lower case';
COMMENT ON COLUMN public.licences.permissiveness IS '0 (gives up all rights) to 7 (research alone): larger is more restrictive; NULL is not judged';
COMMENT ON COLUMN public.licences.obligations IS 'notice, share_alike, disclose_source, use_policy, naming, terms, user_limit, noncommercial, no_derivatives';
COMMENT ON COLUMN public.licences.source IS 'the text that it was judged by';

COMMENT ON VIEW public.findings IS 'what every finished audit found';
COMMENT ON COLUMN public.findings.run_id IS 'as of audits';
COMMENT ON COLUMN public.findings.kind IS 'what sort it is';
COMMENT ON COLUMN public.findings.status IS 'what was found';
COMMENT ON COLUMN public.findings.model IS 'name of the model that was asked about';
COMMENT ON COLUMN public.findings.source IS 'its source';
COMMENT ON COLUMN public.findings.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN public.findings.relative IS 'name of the relative';
COMMENT ON COLUMN public.findings.relative_source IS 'source of the relative';
COMMENT ON COLUMN public.findings.declared IS 'the parent that is declared, as written; NULL where none is concerned';
COMMENT ON COLUMN public.findings.rank IS 'place in the order of relatives; equal ranks cannot be told apart';
COMMENT ON COLUMN public.findings.origin IS 'what the two share: derivation, shared_initialisation or undetermined';
COMMENT ON COLUMN public.findings.direction IS 'what the relative is to the model: ancestor, descendant, sibling, copy or unknown';
COMMENT ON COLUMN public.findings.direction_probability IS 'probability that the relative is an ancestor of the model';
COMMENT ON COLUMN public.findings.direction_by IS 'what direction and probability rest on';
COMMENT ON COLUMN public.findings.evidence IS 'the kind of evidence that says most';
COMMENT ON COLUMN public.findings.log10_evalue IS 'log10 of how many unrelated models would look as related by chance; -3 or less is significant';
COMMENT ON COLUMN public.findings.identity IS 'centred correlation of matched weights, by size';
COMMENT ON COLUMN public.findings.coverage IS 'share of all parameters of the model whose tensors have a significant match';
COMMENT ON COLUMN public.findings.coverage_without_match IS 'share that was compared and did not match';
COMMENT ON COLUMN public.findings.coverage_not_comparable IS 'share that the relative has nothing to compare with';
COMMENT ON COLUMN public.findings.coverage_not_read IS 'share that was not read';
COMMENT ON COLUMN public.findings.distance IS 'relative RMS difference of matched weights';
COMMENT ON COLUMN public.findings.relation IS 'what was done to the weights, as flags';
COMMENT ON COLUMN public.findings.merged_with IS 'the other parent of a merge';
COMMENT ON COLUMN public.findings.reason IS 'why, in words';
COMMENT ON COLUMN public.findings.license IS 'licence of the model';
COMMENT ON COLUMN public.findings.relative_license IS 'licence of the relative';
COMMENT ON COLUMN public.findings.family IS 'name of the family of the model';

COMMENT ON VIEW public.latest_findings IS 'findings of the newest audit that finished';
COMMENT ON COLUMN public.latest_findings.run_id IS 'as of audits';
COMMENT ON COLUMN public.latest_findings.kind IS 'what sort it is';
COMMENT ON COLUMN public.latest_findings.status IS 'what was found';
COMMENT ON COLUMN public.latest_findings.model IS 'name of the model that was asked about';
COMMENT ON COLUMN public.latest_findings.source IS 'its source';
COMMENT ON COLUMN public.latest_findings.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN public.latest_findings.relative IS 'name of the relative';
COMMENT ON COLUMN public.latest_findings.relative_source IS 'source of the relative';
COMMENT ON COLUMN public.latest_findings.declared IS 'the parent that is declared, as written; NULL where none is concerned';
COMMENT ON COLUMN public.latest_findings.rank IS 'place in the order of relatives; equal ranks cannot be told apart';
COMMENT ON COLUMN public.latest_findings.origin IS 'what the two share: derivation, shared_initialisation or undetermined';
COMMENT ON COLUMN public.latest_findings.direction IS 'what the relative is to the model: ancestor, descendant, sibling, copy or unknown';
COMMENT ON COLUMN public.latest_findings.direction_probability IS 'probability that the relative is an ancestor of the model';
COMMENT ON COLUMN public.latest_findings.direction_by IS 'what direction and probability rest on';
COMMENT ON COLUMN public.latest_findings.evidence IS 'the kind of evidence that says most';
COMMENT ON COLUMN public.latest_findings.log10_evalue IS 'log10 of how many unrelated models would look as related by chance; -3 or less is significant';
COMMENT ON COLUMN public.latest_findings.identity IS 'centred correlation of matched weights, by size';
COMMENT ON COLUMN public.latest_findings.coverage IS 'share of all parameters of the model whose tensors have a significant match';
COMMENT ON COLUMN public.latest_findings.coverage_without_match IS 'share that was compared and did not match';
COMMENT ON COLUMN public.latest_findings.coverage_not_comparable IS 'share that the relative has nothing to compare with';
COMMENT ON COLUMN public.latest_findings.coverage_not_read IS 'share that was not read';
COMMENT ON COLUMN public.latest_findings.distance IS 'relative RMS difference of matched weights';
COMMENT ON COLUMN public.latest_findings.relation IS 'what was done to the weights, as flags';
COMMENT ON COLUMN public.latest_findings.merged_with IS 'the other parent of a merge';
COMMENT ON COLUMN public.latest_findings.reason IS 'why, in words';
COMMENT ON COLUMN public.latest_findings.license IS 'licence of the model';
COMMENT ON COLUMN public.latest_findings.relative_license IS 'licence of the relative';
COMMENT ON COLUMN public.latest_findings.family IS 'name of the family of the model';

COMMENT ON MACRO TABLE public.ancestors IS 'the likeliest ancestors by the weights, and what it leaves out, as main.ancestors: FROM public.ancestors(name, k := 10); a name that no model has is an error';
COMMENT ON MACRO TABLE public.nearest IS 'the nearest models by sketch alone: FROM public.nearest(name, k := 10); a name that no model has is an error';

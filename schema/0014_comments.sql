-- What every table, view, macro and column is, for whoever opens the file with DuckDB alone. No row changes, and no column does.
-- A migration that makes or replaces one says its COMMENT too: tests/schema/test_comments.py.

COMMENT ON TABLE setting IS 'what the fingerprints of this registry were made with';
COMMENT ON COLUMN setting.name IS 'fingerprint_version, minhash_scheme, minhash_seed: what fingerprints were made with';
COMMENT ON COLUMN setting.value IS 'the values that are kept';

COMMENT ON TABLE model IS 'one snapshot of weights; (uri, revision) identifies it, the name is for people and may repeat';
COMMENT ON COLUMN model.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN model.uri IS 'file:///... or hf://org/name';
COMMENT ON COLUMN model.revision IS 'the commit, where the source has them';
COMMENT ON COLUMN model.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN model.state IS 'changes when the source does: what is unchanged is not read again';
COMMENT ON COLUMN model.content IS 'digest of all values read: equal for copies that kept every value';
COMMENT ON COLUMN model.format IS 'safetensors, ...';
COMMENT ON COLUMN model.architecture IS 'config.architectures[0]';
COMMENT ON COLUMN model.model_type IS 'config.model_type';
COMMENT ON COLUMN model.license IS 'licence as the card writes it, in lower case';
COMMENT ON COLUMN model.released_at IS 'UTC; when the source published it, where it says so';
COMMENT ON COLUMN model.ingested_at IS 'UTC';
COMMENT ON COLUMN model.tensors IS 'in the files, those not read included';
COMMENT ON COLUMN model.parameters IS 'of all tensors';
COMMENT ON COLUMN model.bytes_total IS 'of the files of weights';
COMMENT ON COLUMN model.bytes_read IS 'bytes of weights that were read';
COMMENT ON COLUMN model.requests IS 'requests to the source';
COMMENT ON COLUMN model.config IS 'config.json as it was: cast it with config::JSON';

COMMENT ON TABLE declared_parent IS 'parents that cards, the Hub and configs name: claims, never evidence';
COMMENT ON COLUMN declared_parent.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN declared_parent.parent IS 'as written: org/name, or a path';
COMMENT ON COLUMN declared_parent.origin IS 'card, hub or config';
COMMENT ON COLUMN declared_parent.relation IS 'finetune, adapter, merge, quantized, where the card says';

COMMENT ON TABLE tokenizer IS 'the tokenizer of a model, as sets';
COMMENT ON COLUMN tokenizer.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN tokenizer.kind IS 'BPE, Unigram, WordPiece, SentencePiece';
COMMENT ON COLUMN tokenizer.size IS 'tokens';
COMMENT ON COLUMN tokenizer.tokens IS 'MinHash of the token set';
COMMENT ON COLUMN tokenizer.merges IS 'MinHash of the merge list';
COMMENT ON COLUMN tokenizer.specials IS 'MinHash of the special tokens';

COMMENT ON TABLE sketch IS 'what one scan compares, a row a component: signs of summed, standardised vectors, a role after another';
COMMENT ON COLUMN sketch.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN sketch.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN sketch.position_roles IS 'bit i: role i of q, k, v, o, gate, up, down takes part';
COMMENT ON COLUMN sketch.gram_roles IS 'bit i: role i of q, k, v, gate, up takes part';
COMMENT ON COLUMN sketch.positions IS '7 x 256 bits';
COMMENT ON COLUMN sketch.gram IS '5 x 120 bits';
COMMENT ON COLUMN sketch.minhash IS 'of the union of all column sets';
COMMENT ON COLUMN sketch.column_bits IS '2 x 64 bytes: MinHash of the union over layers, of o and of down; 0 without';
COMMENT ON COLUMN sketch.o_filled IS 'share of all codes (256,256) that so many random columns hold, 0 without any';
COMMENT ON COLUMN sketch.down_filled IS 'as o_filled, of down';

COMMENT ON TABLE tensor IS 'one row a tensor that was read or named; of routed experts those that were read';
COMMENT ON COLUMN tensor.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN tensor.tensor_id IS 'counts within the model';
COMMENT ON COLUMN tensor.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN tensor.layer IS 'NULL outside the stacks';
COMMENT ON COLUMN tensor.expert IS 'NULL outside routed experts';
COMMENT ON COLUMN tensor.role IS 'embed head q k v o gate up down router norm bias conv other';
COMMENT ON COLUMN tensor.slot IS 'keeps apart tensors of one role in one block; '' for most';
COMMENT ON COLUMN tensor.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN tensor.dtype IS 'type of the stored values';
COMMENT ON COLUMN tensor.shape IS 'logical: [out, in]';
COMMENT ON COLUMN tensor.represents IS 'parameters it stands for (routed experts that were not read too)';
COMMENT ON COLUMN tensor.rows_read IS 'leading rows that were read';
COMMENT ON COLUMN tensor.sampled IS 'values kept that are not padding';
COMMENT ON COLUMN tensor.mean IS 'of the sampled values';
COMMENT ON COLUMN tensor.std IS 'standard deviation of the sampled values';
COMMENT ON COLUMN tensor.rms IS 'root mean square of the sampled values';
COMMENT ON COLUMN tensor.max IS 'largest magnitude of the sampled values';
COMMENT ON COLUMN tensor.kurtosis IS 'of the sampled values';
COMMENT ON COLUMN tensor.zeros IS 'share of zeros among the values read';
COMMENT ON COLUMN tensor.levels IS 'how many distinct values were read';
COMMENT ON COLUMN tensor.nonfinite IS 'NaN and infinite values among those read; they count as 0';
COMMENT ON COLUMN tensor.hash IS 'of the exact values read, NULL when nothing was';

COMMENT ON TABLE positions IS 'evidence: values of the leading rows at fixed places';
COMMENT ON COLUMN positions.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN positions.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN positions.value IS 'the values that are kept';

COMMENT ON TABLE gram IS 'evidence: cosines among the leading rows, times 32767';
COMMENT ON COLUMN gram.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN gram.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN gram.value IS 'the values that are kept';

COMMENT ON TABLE minhash IS 'evidence: MinHash of column codes';
COMMENT ON COLUMN minhash.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN minhash.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN minhash.value IS 'the values that are kept';

COMMENT ON TABLE vector IS 'values of norm gains and biases at fixed places: context, never evidence of a relation';
COMMENT ON COLUMN vector.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN vector.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN vector.value IS 'the values that are kept';

COMMENT ON TABLE token_row IS 'rows of embeddings and heads by token text';
COMMENT ON COLUMN token_row.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN token_row.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN token_row.token IS 'hash of the token''s bytes';
COMMENT ON COLUMN token_row.value IS 'at fixed columns';

COMMENT ON TABLE skipped_tensor IS 'what could not be read, and why';
COMMENT ON COLUMN skipped_tensor.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN skipped_tensor.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN skipped_tensor.parameters IS 'parameters of all tensors';
COMMENT ON COLUMN skipped_tensor.reason IS 'why, in words';
COMMENT ON COLUMN skipped_tensor.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';

COMMENT ON TABLE hub IS 'what the Hub says of a model';
COMMENT ON COLUMN hub.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN hub.author IS 'who published it';
COMMENT ON COLUMN hub.created_at IS 'UTC; also model.released_at';
COMMENT ON COLUMN hub.modified_at IS 'UTC';
COMMENT ON COLUMN hub.downloads IS 'as the Hub counts them';
COMMENT ON COLUMN hub.likes IS 'as the Hub counts them';
COMMENT ON COLUMN hub.library IS 'the library it is made for';
COMMENT ON COLUMN hub.task IS 'the pipeline tag';
COMMENT ON COLUMN hub.gated IS 'auto or manual; NULL for open models';
COMMENT ON COLUMN hub.tags IS 'as the Hub lists them';

COMMENT ON TABLE file IS 'the files of every model, with the hashes that are known without reading them';
COMMENT ON COLUMN file.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN file.path IS 'path of the file within the source';
COMMENT ON COLUMN file.size IS 'in bytes';
COMMENT ON COLUMN file.sha256 IS 'where the source knows it: LFS and Xet files of the Hub';

COMMENT ON TABLE attempt IS 'what was tried and could not be kept, with the reason of the last try';
COMMENT ON COLUMN attempt.uri IS 'source: file:///... or hf://org/name';
COMMENT ON COLUMN attempt.attempted_at IS 'UTC';
COMMENT ON COLUMN attempt.tries IS 'how often it was tried';
COMMENT ON COLUMN attempt.reason IS 'why, in words';

COMMENT ON TABLE watch IS 'where `forebear watch` stands, for each set of filters';
COMMENT ON COLUMN watch.filters IS 'the filters of `forebear watch`, as one text';
COMMENT ON COLUMN watch.until IS 'UTC';

COMMENT ON TABLE adapter IS 'adapters: small matrices that change a base model without holding it; each is a row of `model` too';
COMMENT ON COLUMN adapter.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN adapter.kind IS 'peft_type as declared (LORA, LOHA, IA3, ...), else what the names tell';
COMMENT ON COLUMN adapter.base IS 'base_model_name_or_path as declared; also in declared_parent';
COMMENT ON COLUMN adapter.base_revision IS 'as declared';
COMMENT ON COLUMN adapter.rank IS 'the largest of its factors; NULL where there are none';
COMMENT ON COLUMN adapter.alpha IS 'as declared, or the largest of those in the file';
COMMENT ON COLUMN adapter.task IS 'task_type as declared';
COMMENT ON COLUMN adapter.dora IS 'with magnitudes';
COMMENT ON COLUMN adapter.rslora IS 'scaled by alpha / sqrt(rank)';
COMMENT ON COLUMN adapter.every_layer IS 'adapts the layers 0, 1, 2 ... without a gap, and none is singled out by its config';
COMMENT ON COLUMN adapter.layers IS 'the highest adapted layer and one; 0 without layers';
COMMENT ON COLUMN adapter.targets IS 'last parts of the adapted modules'' names: q_proj, v_proj';

COMMENT ON TABLE adapter_target IS 'one row an adapted module: where it stands in the base, and the widths that the base must have there';
COMMENT ON COLUMN adapter_target.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN adapter_target.component IS 'of the base: language, vision, denoiser, ...';
COMMENT ON COLUMN adapter_target.layer IS 'number of the layer; NULL outside the stacks';
COMMENT ON COLUMN adapter_target.expert IS 'number of the expert; NULL outside routed experts';
COMMENT ON COLUMN adapter_target.role IS 'what the tensor does: q, k, v, o, gate, up, down, ...';
COMMENT ON COLUMN adapter_target.slot IS 'keeps apart tensors of one role in one block';
COMMENT ON COLUMN adapter_target.module IS 'its name without the prefixes of PEFT';
COMMENT ON COLUMN adapter_target.outputs IS 'NULL where the adapter''s shapes do not tell';
COMMENT ON COLUMN adapter_target.inputs IS 'width that goes in; NULL where the shapes do not tell';
COMMENT ON COLUMN adapter_target.rank IS 'place in the order of relatives; equal ranks cannot be told apart';

COMMENT ON TABLE audit_run IS 'audits: every model against all others';
COMMENT ON COLUMN audit_run.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_run.queries IS 'the filter of the models that were asked about; '' for all';
COMMENT ON COLUMN audit_run.against IS 'the filter of the models that they were compared with; '' for all';
COMMENT ON COLUMN audit_run.since IS 'UTC: asked were models ingested from then on; NULL for all';
COMMENT ON COLUMN audit_run.max_log10_e IS 'what counts as found';
COMMENT ON COLUMN audit_run.whole IS 'nothing was taken over from earlier runs';
COMMENT ON COLUMN audit_run.models IS 'in the registry when it began';
COMMENT ON COLUMN audit_run.newest IS 'the largest model_id then';
COMMENT ON COLUMN audit_run.asked IS 'models asked about';
COMMENT ON COLUMN audit_run.started_at IS 'UTC';
COMMENT ON COLUMN audit_run.finished_at IS 'UTC; NULL while it runs, and after it was ended: the next audit goes on with it';
COMMENT ON COLUMN audit_run.evaluated IS 'pairs of components whose evidence was computed for this run';
COMMENT ON COLUMN audit_run.carried IS 'pairs taken over from earlier runs, their E-values corrected for the new size';
COMMENT ON COLUMN audit_run.rules IS 'version of the rules it was judged by; NULL for runs of before directions had probabilities';

COMMENT ON TABLE audit_task IS 'what a run that goes on still has to do; empty between runs';
COMMENT ON COLUMN audit_task.query_id IS 'model_id of the model that was asked about';
COMMENT ON COLUMN audit_task.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_task.base_run IS 'the newest run with an answer; NULL for none';
COMMENT ON COLUMN audit_task.seen_until IS 'of that answer';
COMMENT ON COLUMN audit_task.evaluate IS 'whether the evidence is computed; else that answer is taken over';

COMMENT ON TABLE audit_candidate IS 'candidates of a run that goes on; empty between runs';
COMMENT ON COLUMN audit_candidate.query_id IS 'model_id of the model that was asked about';
COMMENT ON COLUMN audit_candidate.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_candidate.relative_id IS 'model_id of the relative';
COMMENT ON COLUMN audit_candidate.relative_component IS 'component of the relative';
COMMENT ON COLUMN audit_candidate.z IS 'largest z of the sketches; NULL for a candidate that is known otherwise';

COMMENT ON TABLE audit_model IS 'the models of a run as they were then';
COMMENT ON COLUMN audit_model.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_model.id IS 'the model_id';
COMMENT ON COLUMN audit_model.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN audit_model.source IS 'source of the model: file:///... or hf://org/name';
COMMENT ON COLUMN audit_model.license IS 'licence as the card writes it, in lower case';
COMMENT ON COLUMN audit_model.asked IS 'whether this model was asked about';
COMMENT ON COLUMN audit_model.family_id IS 'of audit_family; NULL for a model without relatives';

COMMENT ON TABLE audit_family IS 'groups of models that found relations connect';
COMMENT ON COLUMN audit_family.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_family.family_id IS 'the family: a row of `audit_family` in this run';
COMMENT ON COLUMN audit_family.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN audit_family.members IS 'how many models';

COMMENT ON TABLE audit_duplicate IS 're-uploads and format copies: models whose weights are those of another';
COMMENT ON COLUMN audit_duplicate.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_duplicate.id IS 'the model_id';
COMMENT ON COLUMN audit_duplicate.original_id IS 'model_id of the model whose weights they are';
COMMENT ON COLUMN audit_duplicate.reason IS 'why, in words';

COMMENT ON TABLE audit_query IS 'the verdict for each component of each model that was asked about';
COMMENT ON COLUMN audit_query.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_query.query_id IS 'model_id of the model that was asked about';
COMMENT ON COLUMN audit_query.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_query.verdict IS 'derived, related, shared_initialisation, unrelated or inconclusive';
COMMENT ON COLUMN audit_query.sentence IS 'the verdict in one sentence';
COMMENT ON COLUMN audit_query.compared IS 'models it was compared with: what E-values are corrected for';
COMMENT ON COLUMN audit_query.seen_until IS 'the largest model_id then: what is larger is new to this row';
COMMENT ON COLUMN audit_query.evaluated_run IS 'the run that computed it: this one, or the one it is carried from';

COMMENT ON TABLE audit_pair IS 'every pair of components whose evidence was computed, unrelated ones included';
COMMENT ON COLUMN audit_pair.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_pair.query_id IS 'model_id of the model that was asked about';
COMMENT ON COLUMN audit_pair.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_pair.relative_id IS 'model_id of the relative';
COMMENT ON COLUMN audit_pair.relative_component IS 'component of the relative';
COMMENT ON COLUMN audit_pair.rank IS 'among the relatives of the component; equal ranks cannot be told apart';
COMMENT ON COLUMN audit_pair.place IS 'the row''s place in the answer of `forebear ancestors`';
COMMENT ON COLUMN audit_pair.origin IS 'derivation, shared_initialisation or undetermined; NULL for unrelated models';
COMMENT ON COLUMN audit_pair.direction IS 'what the relative is to the query: ancestor, descendant, sibling, copy or unknown; NULL for unrelated models';
COMMENT ON COLUMN audit_pair.evidence IS 'the kind of evidence that says most: positions, gram, minhash or activations';
COMMENT ON COLUMN audit_pair.log10_p_positions IS 'p-values by kind, NULL where the kind was not looked at';
COMMENT ON COLUMN audit_pair.log10_p_gram IS 'log10 of the p-value of gram; NULL where it was not looked at';
COMMENT ON COLUMN audit_pair.log10_p_minhash IS 'log10 of the p-value of column sets; NULL where it was not looked at';
COMMENT ON COLUMN audit_pair.log10_evalue IS 'for the number of models of this run';
COMMENT ON COLUMN audit_pair.identity IS 'centred correlation of matched weights, by size';
COMMENT ON COLUMN audit_pair.coverage IS 'share of all parameters of the query whose tensors have a significant match';
COMMENT ON COLUMN audit_pair.coverage_without_match IS 'share of all parameters of the query that were compared and did not match';
COMMENT ON COLUMN audit_pair.coverage_not_comparable IS 'share of all parameters of the query that the relative has nothing to compare with';
COMMENT ON COLUMN audit_pair.coverage_not_read IS 'share of all parameters of the query that were not read';
COMMENT ON COLUMN audit_pair.distance IS 'relative RMS difference of matched weights';
COMMENT ON COLUMN audit_pair.relation IS 'finetuned, merged, numeric_copy, ...';
COMMENT ON COLUMN audit_pair.reason IS 'why, in words';
COMMENT ON COLUMN audit_pair.merged_with IS 'the other parent of a merge';
COMMENT ON COLUMN audit_pair.declared IS 'the query names the relative as its parent';
COMMENT ON COLUMN audit_pair.declared_child IS 'the relative names the query as its parent';
COMMENT ON COLUMN audit_pair.direction_probability IS 'of the relative being an ancestor of the query';
COMMENT ON COLUMN audit_pair.direction_by IS 'what that rests on, a claim named as one';
COMMENT ON COLUMN audit_pair.log10_p_activations IS 'as of the other kinds: NULL where it was not looked at';

COMMENT ON TABLE audit_finding IS 'what a run found, a row a relation, declaration, duplicate or conflict; audit_findings has the names';
COMMENT ON COLUMN audit_finding.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_finding.kind IS 'see status';
COMMENT ON COLUMN audit_finding.status IS 'of an ancestor or a duplicate: confirmed (declared and found) or undeclared; of a declaration that was not found: contradicted or not_comparable; of a relative (siblings, descendants, ancestors further up): related; of a licence: conflict or not_judged; of relatives of which nothing tells who came first: direction_unknown';
COMMENT ON COLUMN audit_finding.query_id IS 'model_id of the model that was asked about';
COMMENT ON COLUMN audit_finding.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_finding.relative_id IS 'NULL for a declared parent that is not in the registry';
COMMENT ON COLUMN audit_finding.relative_component IS 'component of the relative';
COMMENT ON COLUMN audit_finding.declared IS 'the declaration as written, where there is one';
COMMENT ON COLUMN audit_finding.reason IS 'why, in words';

COMMENT ON TABLE licence IS 'licences ordered by how much they restrict, to find cases to look at; no legal advice';
COMMENT ON COLUMN licence.id IS 'in lower case';
COMMENT ON COLUMN licence.permissiveness IS '0 (gives up all rights) to 7 (research alone): larger is more restrictive; NULL is not judged';
COMMENT ON COLUMN licence.obligations IS 'notice, share_alike, disclose_source, use_policy, naming, terms, user_limit, noncommercial, no_derivatives';
COMMENT ON COLUMN licence.source IS 'source of the model: file:///... or hf://org/name';

COMMENT ON TABLE audit_root IS 'the known roots when a run began';
COMMENT ON COLUMN audit_root.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_root.id IS 'the model_id';
COMMENT ON COLUMN audit_root.source IS 'source of the model: file:///... or hf://org/name';

COMMENT ON TABLE root_claim IS 'models that somebody says were trained from scratch: claims, never measurements';
COMMENT ON COLUMN root_claim.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN root_claim.source IS 'whose word it is: a URL, a paper, a person';
COMMENT ON COLUMN root_claim.claimed_at IS 'UTC; when it was noted';

COMMENT ON TABLE published_root IS 'published base models that were trained from scratch by their makers'' word';
COMMENT ON COLUMN published_root.name IS 'org/name in lower case';
COMMENT ON COLUMN published_root.source IS 'source of the model: file:///... or hf://org/name';

COMMENT ON TABLE activation IS 'evidence: what the neurons of one matrix do on fixed tokens';
COMMENT ON COLUMN activation.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN activation.tensor_id IS 'the tensor, counted within the model';
COMMENT ON COLUMN activation.tokens IS 'bit i: the character i of `ingest/fingerprint/activations.py` took part';
COMMENT ON COLUMN activation.neurons IS 'how many neurons are kept';
COMMENT ON COLUMN activation.value IS '24 bytes a neuron: 64 numbers of 3 bits, from -3 (0) to 3 (6)';

COMMENT ON TABLE activation_sketch IS 'one row a component: what a scan compares of activations';
COMMENT ON COLUMN activation_sketch.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN activation_sketch.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN activation_sketch.signs IS '1,024 signs of the second moment of the neurons';

COMMENT ON VIEW adapter_bases IS 'which registered models could be the base of an adapter, by shape alone: never evidence that one was';
COMMENT ON COLUMN adapter_bases.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN adapter_bases.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN adapter_bases.source IS 'source of the model: file:///... or hf://org/name';
COMMENT ON COLUMN adapter_bases.base_id IS 'model_id of the possible base; NULL where none is registered';
COMMENT ON COLUMN adapter_bases.base IS 'the base model';
COMMENT ON COLUMN adapter_bases.base_source IS 'source of the possible base';
COMMENT ON COLUMN adapter_bases.declared IS 'whether the card or the config names it';
COMMENT ON COLUMN adapter_bases.fits IS 'true, false, or NULL where shapes cannot tell';

COMMENT ON VIEW audit_findings IS 'the findings of every finished audit, with names, E-values and directions';
COMMENT ON COLUMN audit_findings.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_findings.kind IS 'what sort it is';
COMMENT ON COLUMN audit_findings.status IS 'what was found';
COMMENT ON COLUMN audit_findings.query IS 'name of the model that was asked about';
COMMENT ON COLUMN audit_findings.query_source IS 'its source';
COMMENT ON COLUMN audit_findings.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_findings.relative IS 'name of the relative';
COMMENT ON COLUMN audit_findings.relative_source IS 'source of the relative';
COMMENT ON COLUMN audit_findings.relative_component IS 'component of the relative';
COMMENT ON COLUMN audit_findings.declared IS 'whether the card or the config names it';
COMMENT ON COLUMN audit_findings.rank IS 'place in the order of relatives; equal ranks cannot be told apart';
COMMENT ON COLUMN audit_findings.origin IS 'what the two share: derivation, shared_initialisation or undetermined';
COMMENT ON COLUMN audit_findings.direction IS 'what the relative is to the query: ancestor, descendant, sibling, copy or unknown';
COMMENT ON COLUMN audit_findings.direction_probability IS 'probability that the relative is an ancestor of the query';
COMMENT ON COLUMN audit_findings.direction_by IS 'what direction and probability rest on';
COMMENT ON COLUMN audit_findings.evidence IS 'the kind of evidence that says most';
COMMENT ON COLUMN audit_findings.log10_evalue IS 'log10 of how many unrelated models would look as related by chance; -3 or less is significant';
COMMENT ON COLUMN audit_findings.identity IS 'centred correlation of matched weights, by size';
COMMENT ON COLUMN audit_findings.coverage IS 'share of all parameters of the query whose tensors have a significant match';
COMMENT ON COLUMN audit_findings.coverage_without_match IS 'share of all parameters of the query that were compared and did not match';
COMMENT ON COLUMN audit_findings.coverage_not_comparable IS 'share of all parameters of the query that the relative has nothing to compare with';
COMMENT ON COLUMN audit_findings.coverage_not_read IS 'share of all parameters of the query that were not read';
COMMENT ON COLUMN audit_findings.distance IS 'relative RMS difference of matched weights';
COMMENT ON COLUMN audit_findings.relation IS 'what the relation is: finetuned, merged, numeric_copy, ...';
COMMENT ON COLUMN audit_findings.merged_with IS 'the other parent of a merge';
COMMENT ON COLUMN audit_findings.reason IS 'why, in words';
COMMENT ON COLUMN audit_findings.query_license IS 'licence of the query';
COMMENT ON COLUMN audit_findings.relative_license IS 'licence of the relative';
COMMENT ON COLUMN audit_findings.family IS 'name of the family of the query';

COMMENT ON VIEW audit_latest IS 'audit_findings of the newest run that finished: the answers with E-value, relation and direction in SQL';
COMMENT ON COLUMN audit_latest.run_id IS 'the audit: a row of `audit_run`';
COMMENT ON COLUMN audit_latest.kind IS 'what sort it is';
COMMENT ON COLUMN audit_latest.status IS 'what was found';
COMMENT ON COLUMN audit_latest.query IS 'name of the model that was asked about';
COMMENT ON COLUMN audit_latest.query_source IS 'its source';
COMMENT ON COLUMN audit_latest.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN audit_latest.relative IS 'name of the relative';
COMMENT ON COLUMN audit_latest.relative_source IS 'source of the relative';
COMMENT ON COLUMN audit_latest.relative_component IS 'component of the relative';
COMMENT ON COLUMN audit_latest.declared IS 'whether the card or the config names it';
COMMENT ON COLUMN audit_latest.rank IS 'place in the order of relatives; equal ranks cannot be told apart';
COMMENT ON COLUMN audit_latest.origin IS 'what the two share: derivation, shared_initialisation or undetermined';
COMMENT ON COLUMN audit_latest.direction IS 'what the relative is to the query: ancestor, descendant, sibling, copy or unknown';
COMMENT ON COLUMN audit_latest.direction_probability IS 'probability that the relative is an ancestor of the query';
COMMENT ON COLUMN audit_latest.direction_by IS 'what direction and probability rest on';
COMMENT ON COLUMN audit_latest.evidence IS 'the kind of evidence that says most';
COMMENT ON COLUMN audit_latest.log10_evalue IS 'log10 of how many unrelated models would look as related by chance; -3 or less is significant';
COMMENT ON COLUMN audit_latest.identity IS 'centred correlation of matched weights, by size';
COMMENT ON COLUMN audit_latest.coverage IS 'share of all parameters of the query whose tensors have a significant match';
COMMENT ON COLUMN audit_latest.coverage_without_match IS 'share of all parameters of the query that were compared and did not match';
COMMENT ON COLUMN audit_latest.coverage_not_comparable IS 'share of all parameters of the query that the relative has nothing to compare with';
COMMENT ON COLUMN audit_latest.coverage_not_read IS 'share of all parameters of the query that were not read';
COMMENT ON COLUMN audit_latest.distance IS 'relative RMS difference of matched weights';
COMMENT ON COLUMN audit_latest.relation IS 'what the relation is: finetuned, merged, numeric_copy, ...';
COMMENT ON COLUMN audit_latest.merged_with IS 'the other parent of a merge';
COMMENT ON COLUMN audit_latest.reason IS 'why, in words';
COMMENT ON COLUMN audit_latest.query_license IS 'licence of the query';
COMMENT ON COLUMN audit_latest.relative_license IS 'licence of the relative';
COMMENT ON COLUMN audit_latest.family IS 'name of the family of the query';

COMMENT ON VIEW declared_parents IS 'what models declare as their parents, and which registered model that is';
COMMENT ON COLUMN declared_parents.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN declared_parents.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN declared_parents.source IS 'source of the model: file:///... or hf://org/name';
COMMENT ON COLUMN declared_parents.parent IS 'the parent as it is written';
COMMENT ON COLUMN declared_parents.origin IS 'what the two share: derivation, shared_initialisation or undetermined';
COMMENT ON COLUMN declared_parents.relation IS 'what the relation is: finetuned, merged, numeric_copy, ...';
COMMENT ON COLUMN declared_parents.parent_id IS 'model_id of the declared parent; NULL where it is not registered';
COMMENT ON COLUMN declared_parents.parent_source IS 'source of the declared parent';

COMMENT ON VIEW equal_files IS 'equal files of different models, found by hash alone';
COMMENT ON COLUMN equal_files.sha256 IS 'hash of the whole file, where the source knows it';
COMMENT ON COLUMN equal_files.size IS 'in bytes';
COMMENT ON COLUMN equal_files.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN equal_files.source IS 'source of the model: file:///... or hf://org/name';
COMMENT ON COLUMN equal_files.path IS 'path of the file within the source';
COMMENT ON COLUMN equal_files.other IS 'name of the other model';
COMMENT ON COLUMN equal_files.other_source IS 'source of the other model';
COMMENT ON COLUMN equal_files.other_path IS 'path of the equal file there';

COMMENT ON VIEW known_root IS 'which registered models are roots by somebody''s claim, and whose';
COMMENT ON COLUMN known_root.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN known_root.source IS 'source of the model: file:///... or hf://org/name';

COMMENT ON VIEW model_row IS 'what is shown of a model: `model` without its config and what only the machine needs';
COMMENT ON COLUMN model_row.model_id IS 'the model: a row of `model`';
COMMENT ON COLUMN model_row.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN model_row.uri IS 'source: file:///... or hf://org/name';
COMMENT ON COLUMN model_row.revision IS 'the commit, where the source has them';
COMMENT ON COLUMN model_row.state IS 'changes when the source does';
COMMENT ON COLUMN model_row.format IS 'format of the files: safetensors, gguf, ...';
COMMENT ON COLUMN model_row.architecture IS 'config.architectures[0]';
COMMENT ON COLUMN model_row.license IS 'licence as the card writes it, in lower case';
COMMENT ON COLUMN model_row.tensors IS 'tensors in the files, those not read included';
COMMENT ON COLUMN model_row.parameters IS 'parameters of all tensors';
COMMENT ON COLUMN model_row.bytes_read IS 'bytes of weights that were read';
COMMENT ON COLUMN model_row.bytes_total IS 'bytes of the files of weights';
COMMENT ON COLUMN model_row.ingested_at IS 'UTC';

COMMENT ON VIEW undeclared_ancestors IS 'related pairs by sketch of which neither declares the other; for registries of thousands of models';
COMMENT ON COLUMN undeclared_ancestors.name IS 'the name of the model, which is for people and may repeat';
COMMENT ON COLUMN undeclared_ancestors.source IS 'source of the model: file:///... or hf://org/name';
COMMENT ON COLUMN undeclared_ancestors.component IS 'the part of the model with a stack of its own: language, vision, adapter, ...';
COMMENT ON COLUMN undeclared_ancestors.relative IS 'name of the relative';
COMMENT ON COLUMN undeclared_ancestors.relative_source IS 'source of the relative';
COMMENT ON COLUMN undeclared_ancestors.position_z IS 'likeness of the sketches of positions: standard normal for unrelated models';
COMMENT ON COLUMN undeclared_ancestors.gram_z IS 'likeness of the sketches of gram: standard normal for unrelated models';

COMMENT ON MACRO bits_apart IS 'of 64 minima of 8 bits with this share of them different: the mean number of bits apart';
COMMENT ON MACRO bits_apart_variance IS 'the variance of bits_apart';
COMMENT ON MACRO signs_z IS 'how far two sketches agree beyond chance: standard normal for unrelated models';
COMMENT ON MACRO position_z IS 'signs_z of positions, 256 bits a role';
COMMENT ON MACRO gram_z IS 'signs_z of gram, 120 bits a role';
COMMENT ON MACRO column_z IS 'how far the column sets of o and of down agree beyond what sets of such sizes share by chance';
COMMENT ON MACRO component_kind IS 'what components are compared by: an encoder and a decoder are language too';
COMMENT ON MACRO counted_bits IS 'bits of two sketches that count: those of roles that either has';
COMMENT ON MACRO differing_share IS 'share of MinHash minima that differ between two unrelated sets of such sizes';
COMMENT ON MACRO evalue_correction IS 'what the log10 of a p-value is raised by for the kinds of evidence tried and the models there are';
COMMENT ON MACRO minimum_byte IS 'the byte of a MinHash minimum that sketches keep';
COMMENT ON MACRO model_spelling IS 'a name of a model in one spelling, whichever way it is written';
COMMENT ON MACRO names_any_organisation IS 'whether a spelled name means any organisation''s model of that name';
COMMENT ON MACRO spelled_revision IS 'the revision that a spelled name carries, or empty';
COMMENT ON MACRO TABLE ancestors IS 'the likeliest ancestors by positions at equal places: FROM ancestors(name, k := 10). Blocks are not aligned, so layers that moved are missed; no E-value, relation, direction or verdict: those are the command''s, and audit_latest''s';
COMMENT ON MACRO TABLE neighbors IS 'the nearest models by sketch alone: FROM neighbors(name, k := 10)';
COMMENT ON MACRO TABLE named_models IS 'which models names mean, as cards spell their parents: spelled, model_id';
COMMENT ON MACRO TABLE sketch_pairs IS 'every component of a model against all others by their sketches, as z';

COMMENT ON TABLE migration IS 'the migrations of schema/ that were applied to this file';
COMMENT ON COLUMN migration.version IS 'number of the migration';
COMMENT ON COLUMN migration.name IS 'name of its file, without the ending';
COMMENT ON COLUMN migration.sha256 IS 'digest of its text: a file of another history is refused';
COMMENT ON COLUMN migration.applied_at IS 'when it was applied, in the local time of that machine';

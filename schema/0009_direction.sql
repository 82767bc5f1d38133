-- Who came first: what audits keep of it, and who claims that a model was trained from scratch. Pairs of earlier runs keep
-- what they said in words of today; their direction was told by rules that are no longer held, and is unknown now.
ALTER TABLE audit_pair ADD COLUMN direction_probability DOUBLE; -- of the relative being an ancestor of the query
ALTER TABLE audit_pair ADD COLUMN direction_by VARCHAR;         -- what that rests on, a claim named as one
UPDATE audit_pair SET direction = 'unknown' WHERE direction IS NOT NULL;
UPDATE audit_pair SET origin = 'derivation' WHERE origin = 'derived';
UPDATE audit_pair SET origin = 'undetermined' WHERE origin = 'undecided';

-- By which rules a run was judged; NULL for runs of before directions had probabilities. Answers are taken over from runs of the
-- same rules alone; older runs stay as they are.
ALTER TABLE audit_run ADD COLUMN rules UINTEGER;

-- The known roots when a run began: an answer that rests on other claims than today's is not taken over.
CREATE TABLE audit_root (
    run_id UINTEGER NOT NULL,
    id     UINTEGER NOT NULL,      -- the model_id
    source VARCHAR NOT NULL
);

-- Models that somebody says were trained from scratch. A claim, never a measurement: answers that rest on it say so.
CREATE TABLE root_claim (
    model_id   UINTEGER NOT NULL,
    source     VARCHAR NOT NULL,   -- whose word it is: a URL, a paper, a person
    claimed_at TIMESTAMP NOT NULL
);

-- Published base models that were trained from scratch by their makers' word. A model is one of them by its repository on
-- the Hugging Face Hub, at any revision, also in the Hub's cache on this machine; copies under other names are not.
CREATE TABLE published_root (
    name   VARCHAR PRIMARY KEY,    -- org/name in lower case
    source VARCHAR NOT NULL
);
INSERT INTO published_root
SELECT lower(name), 'https://huggingface.co/' || name
FROM (VALUES
    ('meta-llama/Llama-2-7b-hf'),
    ('meta-llama/Llama-2-13b-hf'),
    ('meta-llama/Llama-2-70b-hf'),
    ('meta-llama/Meta-Llama-3-8B'),
    ('meta-llama/Meta-Llama-3-70B'),
    ('huggyllama/llama-7b'),
    ('mistralai/Mistral-7B-v0.1'),
    ('mistralai/Mixtral-8x7B-v0.1'),
    ('mistralai/Mixtral-8x22B-v0.1'),
    ('mistralai/Mistral-Nemo-Base-2407'),
    ('mistralai/Mistral-Small-24B-Base-2501'),
    ('Qwen/Qwen-7B'),
    ('Qwen/Qwen-14B'),
    ('Qwen/Qwen-72B'),
    ('Qwen/Qwen1.5-0.5B'),
    ('Qwen/Qwen1.5-1.8B'),
    ('Qwen/Qwen1.5-4B'),
    ('Qwen/Qwen1.5-7B'),
    ('Qwen/Qwen1.5-14B'),
    ('Qwen/Qwen1.5-72B'),
    ('Qwen/Qwen2-0.5B'),
    ('Qwen/Qwen2-1.5B'),
    ('Qwen/Qwen2-7B'),
    ('Qwen/Qwen2-72B'),
    ('Qwen/Qwen2.5-0.5B'),
    ('Qwen/Qwen2.5-1.5B'),
    ('Qwen/Qwen2.5-3B'),
    ('Qwen/Qwen2.5-7B'),
    ('Qwen/Qwen2.5-14B'),
    ('Qwen/Qwen2.5-32B'),
    ('Qwen/Qwen2.5-72B'),
    ('Qwen/Qwen3-0.6B-Base'),
    ('Qwen/Qwen3-1.7B-Base'),
    ('Qwen/Qwen3-4B-Base'),
    ('Qwen/Qwen3-8B-Base'),
    ('Qwen/Qwen3-14B-Base'),
    ('Qwen/Qwen3-30B-A3B-Base'),
    ('google/gemma-2b'),
    ('google/gemma-7b'),
    ('google/gemma-2-9b'),
    ('google/gemma-2-27b'),
    ('google/gemma-3-1b-pt'),
    ('google/gemma-3-4b-pt'),
    ('google/gemma-3-12b-pt'),
    ('google/gemma-3-27b-pt'),
    ('google-bert/bert-base-uncased'),
    ('google-bert/bert-large-uncased'),
    ('google-bert/bert-base-cased'),
    ('google-t5/t5-small'),
    ('google-t5/t5-base'),
    ('google-t5/t5-large'),
    ('google/electra-base-discriminator'),
    ('google/vit-base-patch16-224-in21k'),
    ('google/mt5-base'),
    ('google/siglip-base-patch16-224'),
    ('google/siglip-so400m-patch14-384'),
    ('FacebookAI/roberta-base'),
    ('FacebookAI/roberta-large'),
    ('FacebookAI/xlm-roberta-base'),
    ('FacebookAI/xlm-roberta-large'),
    ('facebook/bart-base'),
    ('facebook/bart-large'),
    ('facebook/opt-125m'),
    ('facebook/opt-350m'),
    ('facebook/opt-1.3b'),
    ('facebook/opt-2.7b'),
    ('facebook/opt-6.7b'),
    ('facebook/opt-13b'),
    ('facebook/opt-30b'),
    ('facebook/dinov2-base'),
    ('facebook/dinov2-large'),
    ('facebook/wav2vec2-base'),
    ('facebook/hubert-base-ls960'),
    ('openai-community/gpt2'),
    ('openai-community/gpt2-medium'),
    ('openai-community/gpt2-large'),
    ('openai-community/gpt2-xl'),
    ('openai/clip-vit-base-patch32'),
    ('openai/clip-vit-large-patch14'),
    ('openai/whisper-tiny'),
    ('openai/whisper-base'),
    ('openai/whisper-small'),
    ('openai/whisper-medium'),
    ('openai/whisper-large-v2'),
    ('EleutherAI/gpt-neo-125m'),
    ('EleutherAI/gpt-neo-1.3B'),
    ('EleutherAI/gpt-neo-2.7B'),
    ('EleutherAI/gpt-j-6b'),
    ('EleutherAI/gpt-neox-20b'),
    ('EleutherAI/pythia-70m'),
    ('EleutherAI/pythia-160m'),
    ('EleutherAI/pythia-410m'),
    ('EleutherAI/pythia-1b'),
    ('EleutherAI/pythia-1.4b'),
    ('EleutherAI/pythia-2.8b'),
    ('EleutherAI/pythia-6.9b'),
    ('EleutherAI/pythia-12b'),
    ('tiiuae/falcon-7b'),
    ('tiiuae/falcon-40b'),
    ('bigscience/bloom-560m'),
    ('bigscience/bloom-1b1'),
    ('bigscience/bloom-3b'),
    ('bigscience/bloom-7b1'),
    ('bigscience/bloom'),
    ('mosaicml/mpt-7b'),
    ('mosaicml/mpt-30b'),
    ('microsoft/phi-1'),
    ('microsoft/phi-1_5'),
    ('microsoft/phi-2'),
    ('microsoft/deberta-v3-base'),
    ('microsoft/deberta-v3-large'),
    ('deepseek-ai/deepseek-llm-7b-base'),
    ('deepseek-ai/deepseek-llm-67b-base'),
    ('deepseek-ai/DeepSeek-V2-Lite'),
    ('deepseek-ai/DeepSeek-V2'),
    ('deepseek-ai/DeepSeek-V3-Base'),
    ('deepseek-ai/deepseek-moe-16b-base'),
    ('01-ai/Yi-6B'),
    ('01-ai/Yi-34B'),
    ('internlm/internlm2-7b'),
    ('internlm/internlm2-20b'),
    ('baichuan-inc/Baichuan2-7B-Base'),
    ('baichuan-inc/Baichuan2-13B-Base'),
    ('allenai/OLMo-1B-hf'),
    ('allenai/OLMo-7B-hf'),
    ('allenai/OLMo-2-1124-7B'),
    ('allenai/OLMo-2-1124-13B'),
    ('HuggingFaceTB/SmolLM-135M'),
    ('HuggingFaceTB/SmolLM-360M'),
    ('HuggingFaceTB/SmolLM-1.7B'),
    ('HuggingFaceTB/SmolLM2-135M'),
    ('HuggingFaceTB/SmolLM2-360M'),
    ('HuggingFaceTB/SmolLM2-1.7B'),
    ('HuggingFaceTB/SmolLM3-3B-Base'),
    ('stabilityai/stablelm-2-1_6b'),
    ('stabilityai/stablelm-3b-4e1t'),
    ('bigcode/starcoder2-3b'),
    ('bigcode/starcoder2-7b'),
    ('bigcode/starcoder2-15b'),
    ('ibm-granite/granite-3.0-2b-base'),
    ('ibm-granite/granite-3.0-8b-base'),
    ('TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T'),
    ('state-spaces/mamba-130m-hf'),
    ('state-spaces/mamba-1.4b-hf'),
    ('state-spaces/mamba-2.8b-hf'),
    ('RWKV/rwkv-4-169m-pile'),
    ('albert/albert-base-v2'),
    ('answerdotai/ModernBERT-base'),
    ('answerdotai/ModernBERT-large'),
    ('CompVis/stable-diffusion-v1-4'),
    ('stabilityai/stable-diffusion-xl-base-1.0')
) AS listed (name);

-- A name of a model in one spelling, whichever of these it is written in. A repository of the Hub is org/name in lower case:
-- as org/name, with @revision, as hf://org/name, as an address of the Hub's pages, as a folder of the Hub's cache
-- (models--org--name), with slashes at its end. A path on this machine is a file:// address. Anything else stays as it is.
CREATE MACRO model_spelling(spelled) AS
    CASE
        WHEN regexp_full_match(spelled, '[\w.-]+/[\w.-]+') THEN lower(spelled)
        WHEN contains(spelled, 'models--') AND regexp_matches(spelled, '(^|/)models--[^/]')
            THEN lower(replace(regexp_extract(spelled, '(?:^|/)models--([^/]+)', 1), '--', '/'))
        WHEN starts_with(spelled, '/') THEN 'file://' || rtrim(spelled, '/')
        WHEN regexp_matches(spelled, '(?i)^(hf:|https?://(www\.)?(huggingface|hf)\.co/)') OR NOT regexp_matches(spelled, '^\s*([.~]|\w+:)')
            THEN lower(rtrim(regexp_replace(
                regexp_replace(trim(spelled), '(?i)^(hf://|https?://(www\.)?(huggingface|hf)\.co/)(models/)?', ''),
                '([@?#]|/+(tree|resolve|blob|raw|commit)/).*$', ''), '/'))
        ELSE rtrim(spelled, '/')
    END;

-- The revision that a spelled name carries, or empty.
CREATE MACRO spelled_revision(spelled) AS
    regexp_extract(spelled, '(?:@|/(?:tree|resolve|blob|raw|commit|snapshots)/)([^/?#]+)', 1);

-- Whether a spelled name means any organisation's model of that name.
CREATE MACRO names_any_organisation(spelled) AS NOT contains(rtrim(spelled, '/'), '/');

-- Which models do these names mean, as cards spell their parents? A model by its name or its URI in any spelling, or, where the
-- spelled name has no organisation, the last part of any model's name. A revision chooses among the models of a name where
-- one of them has it. Columns: spelled, model_id.
CREATE OR REPLACE MACRO named_models(names) AS TABLE
    WITH named AS (
        SELECT DISTINCT unnest(names) AS spelled
    ), wanted AS (
        SELECT spelled, model_spelling(spelled) AS spelling, spelled_revision(spelled) AS wanted_revision
        FROM named
        WHERE trim(spelled, ' /') != ''
    ), meant AS (
        SELECT spelled, wanted_revision, model_id, revision FROM wanted JOIN model ON model_spelling(name) = spelling
        UNION
        SELECT spelled, wanted_revision, model_id, revision FROM wanted JOIN model ON model_spelling(uri) = spelling
        UNION
        SELECT spelled, wanted_revision, model_id, revision
        FROM wanted JOIN model ON split_part(model_spelling(name), '/', -1) = spelling AND names_any_organisation(spelled)
    ), exact AS (
        SELECT *, length(wanted_revision) >= 7 AND starts_with(coalesce(revision, ''), wanted_revision) AS has_it FROM meant
    )
    SELECT spelled, model_id FROM exact QUALIFY has_it OR NOT bool_or(has_it) OVER (PARTITION BY spelled);

-- Which registered models are roots by somebody's claim, and whose.
CREATE VIEW known_root AS
SELECT model_id, source FROM root_claim
UNION ALL
SELECT m.model_id, p.source
FROM model AS m
JOIN published_root AS p ON model_spelling(m.uri) = p.name;

-- The views of findings again, with the probability of each direction and what it rests on.
CREATE OR REPLACE VIEW audit_findings AS
    SELECT f.run_id, f.kind, f.status, q.name AS query, q.source AS query_source, f.component,
           coalesce(r.name, f.declared) AS relative, r.source AS relative_source, f.relative_component, f.declared,
           p.rank, p.origin, p.direction, p.direction_probability, p.direction_by, p.evidence, p.log10_evalue, p.identity, p.coverage, p.distance,
           p.relation, p.merged_with, f.reason, q.license AS query_license, r.license AS relative_license,
           g.name AS family
    FROM audit_finding AS f
    JOIN audit_model AS q ON q.run_id = f.run_id AND q.id = f.query_id
    LEFT JOIN audit_model AS r ON r.run_id = f.run_id AND r.id = f.relative_id
    LEFT JOIN audit_family AS g ON g.run_id = q.run_id AND g.family_id = q.family_id
    LEFT JOIN audit_pair AS p
      ON p.run_id = f.run_id AND p.query_id = f.query_id AND p.component = f.component AND p.relative_id = f.relative_id
     AND p.relative_component = f.relative_component;
CREATE OR REPLACE VIEW audit_latest AS
    SELECT * FROM audit_findings WHERE run_id = (SELECT max(run_id) FROM audit_run WHERE finished_at IS NOT NULL);

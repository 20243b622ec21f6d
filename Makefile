# Everything that a newcomer, a developer and a pipeline type. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
PARTS := $(sort $(dir $(wildcard libs/*/pyproject.toml services/*/pyproject.toml apps/*/pyproject.toml)))
TYPED := $(addsuffix src,$(PARTS)) $(wildcard $(addsuffix tests,$(PARTS)) $(addsuffix web/*.py,$(PARTS))) tests benchmarks contracts data deploy docs requirements $(wildcard *.py)
INSTALLED := .venv/.installed
COMPILED := .venv/.compiled
BUNDLE := apps/tradewire/src/tradewire/app/web/bundle/index.html
PAGES := $(wildcard apps/tradewire/web/*.json apps/tradewire/web/src/* apps/tradewire/web/src/*/*)
PEERS := .venv-peers/.installed
NAUTILUS := .venv-nautilus/.installed

DOCKER ?= docker
COMPOSE ?= docker compose
export DOCKER_BUILDKIT ?= 1
TAG ?= local
IMAGES := $(notdir $(wildcard services/*)) tradewire
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' apps/tradewire/pyproject.toml)
REVISION = $(shell git describe --always --abbrev=40 --dirty --exclude '*')

.PHONY: bench bench-commands bench-recovery bench-research bench-sizes drills fuzz help manifests setup venue-day web run test chaos chaos-venue images sbom lint types imports contracts clean cluster-down cluster-run cluster-test cluster-up compose-run containers-test jaeger-test

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(COMPILED) $(BUNDLE) ## .venv from hash-locked requirements, our packages in it, servers fetched, loops compiled, pages built

web: $(INSTALLED) ## the dashboard's pages, built from apps/tradewire/web
	$(BIN)/python apps/tradewire/web/build.py

run: setup ## replay the sample data through six processes over a real Kafka; ends with a fingerprint
	$(BIN)/tradewire run

test: setup $(PEERS) lint types imports contracts ## all checks and all tests, real servers included
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist worksteal --ignore tests/e2e
	$(BIN)/pytest tests/e2e

chaos: setup ## kill, freeze, move everything and prove nothing is lost: make chaos PACE=5 KILLS=300 SEED=7 FAULTS="--freezes 9"
	$(BIN)/python -m tradewire.testkit.chaos $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(PACE),--pace $(PACE)) \
	  $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED)) $(if $(BARS),--bars $(BARS)) \
	  $(if $(INSTANCES),--instances $(INSTANCES)) $(FAULTS)

chaos-venue: setup ## kill -9 execution and ingest while they trade at a venue that fails: make chaos-venue KILLS=200 SEED=7
	KILLS=$(or $(KILLS),200) SEED=$(or $(SEED),7) $(BIN)/pytest -q -s --timeout 36000 tests/e2e/test_venue_processes.py

venue-day: setup ## a day of a venue's time, turned: no hole, no drift, no growth: make venue-day HOURS=24
	HOURS=$(or $(HOURS),24) $(BIN)/pytest -q -s --timeout 3600 tests/acceptance/test_venue_day.py

fuzz: setup ## hostile records to every topic of every service: make fuzz RECORDS=100000 SEED=1
	$(BIN)/python -m tests.fuzz --records $(or $(RECORDS),100000) $(if $(SEED),--seed $(SEED))

drills: setup ## the tests that take minutes of outage each
	$(BIN)/pytest -m drill

images: ## container images tradewire/SERVICE:local of each service and of the command: make images DOCKER=docker TAG=local
	@$(DOCKER) version --format 'Docker engine {{.Server.Version}}' || { echo "make images needs a running Docker engine" >&2; exit 1; }
	@for image in $(IMAGES); do \
	  $(DOCKER) build --quiet --build-arg SERVICE=$$image --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	    --tag tradewire/$$image:$(TAG) . >/dev/null; \
	done
	@$(DOCKER) build --quiet --file deploy/registry/Dockerfile --build-arg COMMAND_IMAGE=tradewire/tradewire:$(TAG) \
	  --build-arg REVISION=$(REVISION) --tag tradewire/registry:$(TAG) . >/dev/null
	@for image in $(IMAGES) registry; do \
	  $(DOCKER) image inspect --format "tradewire/$$image:$(TAG) {{.Size}}" tradewire/$$image:$(TAG); \
	done | awk '{printf "%-30s %5d MB\n", $$1, $$2 / 1e6}'

sbom: $(INSTALLED) ## what each image holds of Python, as CycloneDX in dist/sbom
	$(BIN)/python -m requirements.sbom dist/sbom

# A project of its own, on ports that are free: it leaves a platform of `docker compose up` alone, and nothing behind.
compose-run: ## replay the sample in containers, from the images that `make images` built; ends with its fingerprint
	@export TRADEWIRE_TAG=$(TAG) BARS_PER_SECOND=1000000 KAFKA_PORT=0 POSTGRES_PORT=0 REGISTRY_PORT=0 STATE_API_PORT=0; \
	trap '$(COMPOSE) --project-name tradewire-run down --volumes --timeout 5 >/dev/null 2>&1' EXIT; \
	$(COMPOSE) --project-name tradewire-run up --detach --no-build resume \
	  || { $(COMPOSE) --project-name tradewire-run logs --tail 20; exit 1; }; \
	$(COMPOSE) --project-name tradewire-run run --rm --no-deps watch

containers-test: setup ## contract suites on containers, and the images of `make images`: needs a Docker engine
	$(BIN)/pytest --servers containers libs/runtime/tests/bus/test_kafka.py libs/runtime/tests/bus/test_redis.py \
	  $(wildcard services/*/tests/test_postgres_*.py) tests/containers

jaeger-test: setup ## a real Jaeger, built from its Go module once, holds the trace of a filled order: needs Go
	$(BIN)/python -m deploy.jaeger.build
	$(BIN)/pytest -m jaeger tests/e2e/test_jaeger.py

cluster-up: $(INSTALLED) ## a real Kubernetes with one node, built from its Go module once: needs root, Go, etcd, containerd
	$(BIN)/python -m deploy.cluster.build
	$(BIN)/python -m deploy.cluster up

cluster-test: $(INSTALLED) ## every overlay applied to the cluster of kubectl's context, or else to the one of `make cluster-up`
	$(BIN)/pytest -m cluster tests/cluster

cluster-run: $(INSTALLED) ## replay the sample in the cluster of `make cluster-up`, from the images of `make images`
	$(BIN)/python -m deploy.cluster.sample_run

cluster-down: $(INSTALLED) ## end what `make cluster-up` started
	$(BIN)/python -m deploy.cluster down

lint: $(INSTALLED) ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## mypy, strict, over every Python file, tests included
	$(BIN)/mypy $(TYPED)

imports: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports --no-logo

contracts: $(INSTALLED) ## generated code and Kubernetes manifests equal their sources
	$(BIN)/python contracts/generate.py --check
	$(BIN)/python -m deploy.k8s.generate --check

manifests: $(INSTALLED) ## the objects that operators define, in every overlay, against the schemas of the operators' releases
	$(BIN)/python -m deploy.k8s.operators

bench: $(INSTALLED) ## floor and product measured in one run: docs/benchmarks.md (QUICK=1: smaller)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

bench-recovery: $(INSTALLED) ## time from kill -9 to the next record of each service: docs/benchmarks.md
	$(BIN)/python -m benchmarks.recovery

bench-sizes: $(INSTALLED) ## cost per message up to 3,000 symbols, bytes an account writes: docs/benchmarks-sizes.md
	$(BIN)/python -m benchmarks.sizes

bench-research: $(INSTALLED) $(PEERS) $(NAUTILUS) ## research measured beside its peers: docs/benchmarks-research.md (QUICK=1: smaller)
	$(BIN)/python -m benchmarks.research $(if $(QUICK),--quick)

bench-commands: $(INSTALLED) ## CPU and memory of whole research commands: docs/benchmarks-research.md (QUICK=1: smaller)
	$(BIN)/python -m benchmarks.research.commands $(if $(QUICK),--quick)

clean: ## remove .venv, the peers', caches and the embedded servers' data; data/ stays
	@test ! -x $(BIN)/python || $(BIN)/python -m tradewire.embedded.hold_free .tradewire
	rm -rf apps/tradewire/web/node_modules $(dir $(BUNDLE))
	rm -rf .venv .venv-peers .venv-nautilus .tradewire .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The stamp is written last: an interrupted setup starts again where it must.
$(INSTALLED): requirements/dev.txt $(addsuffix pyproject.toml,$(PARTS))
	@$(PYTHON) -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit(f"Python 3.11 is needed; $(PYTHON) is {sys.version.split()[0]}. Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ./,$(PARTS))
	$(BIN)/tradewire setup
	@touch $@

# A minute or two of CPU: with it a first backtest, here or from a wheel that is built here, compiles nothing.
$(COMPILED): $(INSTALLED)
	$(BIN)/python -m tradewire.backtest.ahead
	@touch $@

# Without a package registry everything but the dashboard works: the build says so, and the next `make setup` tries again.
$(BUNDLE): $(PAGES) | $(INSTALLED)
	-@$(BIN)/python apps/tradewire/web/build.py

# Peers that results and speed are compared with; never in the environment that the product runs in.
$(PEERS): requirements/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(NAUTILUS): requirements/nautilus.txt
	$(PYTHON) -m venv .venv-nautilus
	.venv-nautilus/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

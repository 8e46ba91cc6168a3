# The commands of this checkout; `make` alone lists them. All of them set the checkout up first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
export PYTHON
# What is handed on to the command behind a target: make demo ARGS=--exit, make test ARGS="-k outbox"
ARGS ?=
# pytest processes at once; the suite waits for servers more than it computes.
JOBS ?= 3

MEMBERS := casetrail casetrail-contracts casetrail-evidence casetrail-runtime \
  casetrail-ingest casetrail-routing casetrail-tickets casetrail-audit casetrail-gateway
PIN := $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header $(addprefix --no-emit-package ,$(MEMBERS))
CODE := libs services deploy tests docs benchmarks
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' deploy/local/pyproject.toml)
SERVICES := ingest routing tickets audit gateway
# Handed on to docker build when set, for a mirror: make images PYTHON_IMAGE=…
BUILD_ARGS := $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) $(ARGS)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup ready
setup: ## make .venv with everything in it (the other targets do this by themselves)
	@deploy/setup.sh
ready:
	@deploy/setup.sh --quiet

.PHONY: demo
demo: ready ## play the story on the embedded stack and stay up; ARGS=--exit ends after it
	@.venv/bin/casetrail demo $(ARGS)

.PHONY: up
up: ready ## start the embedded stack; its data stays in .casetrail/
	@.venv/bin/casetrail up $(ARGS)

.PHONY: test
test: ready ## run every test this machine can run, and say what was skipped and why
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: bench
bench: ready ## measure; one JSON object a line; ARGS="recorder --quick" chooses
	@$(PY) -m benchmarks $(ARGS)

.PHONY: chaos
chaos: ready ## kill everything at random, by a seed; all of it: EVENTS=200000 SEEDS=20 AWAY=300 RATE=1000 ITEMS=20000
	@$(PY) -m tests.chaos $(ARGS)

.PHONY: cluster
cluster: ready ## three nats-servers and three mongods, nine faults, in namespaces of their own (root); FAULTS="disk full" chooses
	@$(PY) -m tests.cluster $(ARGS)

.PHONY: restore-drill
restore-drill: ready ## a backup under load, everything lost, everything back, with its times; BEFORE=30 AFTER=30
	@$(PY) -m tests.restore $(ARGS)

.PHONY: upgrade-drill
upgrade-drill: ready ## this code beside an older one, a service at a time, while people work; FROM=<revision>
	@$(PY) -m tests.upgrade $(ARGS)

.PHONY: sim
sim: ready ## a simulated sale day with kills; CUSTOMERS=5000 ITEMS=50000 AGENTS=30 SEED=1
	@$(PY) -m tests.simulation $(ARGS)

.PHONY: lint
lint: ready ## style, formatting, who may import whom, no package host in any file
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo
	$(PY) -m tests.packaging.hosts

.PHONY: types
types: ready ## mypy, strict, over everything
	$(PY) -m mypy $(CODE)

.PHONY: docs
docs: ready ## write the generated part of docs/reference; ARGS=--check only says what is stale
	$(PY) -m docs.generate $(ARGS)

.PHONY: screenshots
screenshots: ready ## the console's pages as pictures in docs/images; needs a Chromium
	$(PY) -m tests.e2e.screenshots

.PHONY: compose-test
compose-test: ready ## docker-compose.yml built, played, killed and checked; needs Docker
	@$(PY) -m tests.compose

.PHONY: images $(addprefix image-,$(SERVICES))
images: $(addprefix image-,$(SERVICES)) ## build the image of each service; needs Docker
$(addprefix image-,$(SERVICES)): image-%:
	docker build $(BUILD_ARGS) --file services/$*/Dockerfile --tag casetrail/$*:$(VERSION) --tag casetrail/$* .

.PHONY: sbom
sbom: ready ## what is in each image, as CycloneDX in dist/
	@mkdir -p dist
	@for service in $(SERVICES); do $(PY) -m cyclonedx_py requirements requirements/$$service.txt \
	  --output-reproducible --validate --output-file dist/sbom-$$service.json && echo dist/sbom-$$service.json || exit 1; done

.PHONY: advisories
advisories: ready ## known faults of everything pinned, asked of OSV: needs the network; ARGS="--osv-url URL"
	@$(PY) -m pip_audit --requirement requirements/dev.txt --require-hashes --disable-pip \
	  --vulnerability-service osv --progress-spinner off $(ARGS)

# An image holds what its service needs and no more, in the versions of runtime.txt.
LIBS_ingest := contracts runtime
LIBS_routing := contracts runtime
LIBS_tickets := contracts runtime
LIBS_audit := contracts runtime evidence
LIBS_gateway := contracts runtime evidence
.PHONY: requirements-of-images
requirements-of-images: ready
	for service in $(SERVICES); do $(MAKE) --no-print-directory requirements/$$service.txt; done
.PHONY: $(SERVICES:%=requirements/%.txt)
$(SERVICES:%=requirements/%.txt): requirements/%.txt:
	{ printf -- '-e libs/%s\n' $(LIBS_$*); echo '-e services/$*'; grep '^uvloop' requirements/runtime.in; } \
	  | $(subst --upgrade ,,$(PIN)) - --constraint requirements/runtime.txt --output-file $@

.PHONY: requirements
requirements: ready ## pin the newest versions the ranges allow, with hashes, without naming a host
	$(PIN) requirements/runtime.in --output-file requirements/runtime.txt
	$(PIN) requirements/dev.in --output-file requirements/dev.txt
	$(PIN) requirements/build.in --output-file requirements/build.txt
	$(MAKE) requirements-of-images
	$(PY) -m tests.packaging.hosts

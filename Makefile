# `make demo` and `make test` are all a newcomer needs; both set everything up first.
#
# The virtual environment is made from the lock file only. The engine is compiled once for its sources and kept in the
# user's cache, outside the checkout.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SEED ?= 1
SAMPLE ?= 30

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements/lock.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; Python 3.11 or later is needed" >&2; exit 2; }
	@command -v git >/dev/null || { echo "make: git is not installed" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) is too old; Python 3.11 or later is needed (PYTHON=python3.11 make ...)" >&2; exit 2; }
	@echo "Setting up $(VENV) from requirements/lock.txt (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Make the virtual environment

.PHONY: engine
engine: $(STAMP) ## Compile the embedded Kubernetes (the first time: 10 minutes on two cores)
	@$(BIN)/python -m ringfence.engine build

.PHONY: demo
demo: $(STAMP) ## Decide, build, break, mend, promote: the whole job on examples/clinic
	@$(BIN)/python examples/clinic/demo.py

.PHONY: test
test: $(STAMP) lint types docs engine ## Everything that must pass
	@$(BIN)/python -m pytest -m "not soak"

.PHONY: lint
lint: $(STAMP) ## Style and the direction of imports
	@$(BIN)/ruff format --check --quiet src tests benchmarks examples docs hatch_build.py
	@$(BIN)/ruff check --quiet src tests benchmarks examples docs hatch_build.py
	@$(BIN)/lint-imports --no-cache | sed -n '/^One way/,$$p'

.PHONY: types
types: $(STAMP) ## Strict types
	@$(BIN)/mypy

.PHONY: docs
docs: $(STAMP) ## Build the documentation, warnings as errors
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

.PHONY: soak
soak: $(STAMP) engine ## The long runs
	@$(BIN)/python -m pytest -m soak

.PHONY: mutation
mutation: $(STAMP) ## Change the code that decides and proves, and see which tests notice (SEED=1 SAMPLE=30)
	@$(BIN)/python tests/mutation.py --seed $(SEED) --sample $(SAMPLE)

.PHONY: bench
bench: $(STAMP) engine ## Every benchmark: ratios within one run
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

.PHONY: lock
lock: $(STAMP) ## Pin what pyproject.toml asks for
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --group dev --group engine pyproject.toml \
		-o requirements/lock.txt --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

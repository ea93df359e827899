# Each target makes the virtual environment itself when it has to. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: setup run test test-browser lint bench fmt clean help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What pytest gets beside its own settings, such as ARGS="tests/crm -x".
ARGS ?=
# Half of the tests wait for calls to be spoken in real time: two workers hold those, more would starve the calls.
# A third fills the cores meanwhile, and steps back for them (tests/conftest.py). What is spoken in real time may still
# come too late beside the others: the few that fail are asked once more, alone.
AT_ONCE ?= 3
# Many containers set it; here it would make each of the many processes of a test run compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: install it, or name another one: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up the Python environment in $(VENV) (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "The environment could not be made: Debian and Ubuntu need the package python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup: $(STAMP) ## Make the virtual environment and install everything into it

run: $(STAMP) ## Start everything, place a demonstration call, stay up until Ctrl-C
	@exec $(BIN)/salesos up --demo

test: $(STAMP) ## Run all tests; ARGS="tests/crm -x" runs some
	@$(BIN)/python -m pytest -ra -n $(AT_ONCE) $(ARGS) || { test $$? -eq 1 && \
	  echo "Asked again one after the other, with the machine to themselves: what fails here too has failed" && \
	  $(BIN)/python -m pytest -ra --last-failed --last-failed-no-failures none --maxfail 5 $(ARGS); }

test-browser: $(STAMP) ## Run the tests that need Chromium: the pages' scripts, and the pages against a whole system
	@$(BIN)/python -m pytest -ra tests/browser tests/system/pages tests/system/test_page.py $(ARGS)

lint: $(STAMP) ## Check style, types, import directions and size caps
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/test_repository.py

bench: $(STAMP) ## Measure ten calls through the system that `make run` started elsewhere
	@$(BIN)/python -m bench call

fmt: $(STAMP) ## Write the code the way lint wants it
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## Remove the environment and all caches; the data folder .salesos stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

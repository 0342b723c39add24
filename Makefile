# Two commands matter: `make solve` and `make test`. Both work from a clean clone and again.
#
#   make solve                    install, then solve the shipped problem
#   make test                     install what tests need, then run them
#   make check                    ruff and mypy
#   make docs                     the documentation as a site, in build/site
#   make test-slow                the long agreement runs
#   make test-reference           counts against transformers (installs it and torch)
#   make test-pulp4               the back ends under PuLP 4 (Python 3.12 or later)
#   make dist                     a wheel and an sdist in dist/
#   make bench                    timings beside other solvers (installs SCIP and OR-tools)
#   make PYTHON=python3.12 test   with another Python

.DEFAULT_GOAL := help
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2])
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(firstword $(foreach p,$(CANDIDATES),$(shell $(p) -c '$(SUPPORTED)' 2>/dev/null && echo $(p))))

VENV := .venv
BIN := $(VENV)/bin
MINOR := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
LOCK := locks/py$(MINOR).txt
# A stamp for each Python and set of extras: another Python, or changed pins, install anew.
STAMP = $(VENV)/.installed-$(MINOR)
PROBLEM := one-h100-1e24

.PHONY: help solve test test-slow test-reference test-pulp4 check docs dist bench lock clean python

help:
	@sed -n 's/^#   //p' Makefile

python:
	@test -n "$(MINOR)" || { echo "no Python 3.11 or later found; name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 2; }
	@test -f $(LOCK) || { echo "no pinned packages for Python $(MINOR): take 3.11 to 3.14, make PYTHON=..." >&2; exit 2; }

$(STAMP)-solve: pyproject.toml $(LOCK) | python
	@test "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(MINOR)" \
		|| $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[all]'
	@touch $@

$(STAMP)-test: $(STAMP)-solve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[test,check]'
	@touch $@

solve: $(STAMP)-solve
	$(BIN)/modelsizer solve $(PROBLEM)

test: $(STAMP)-test
	$(BIN)/python -m pytest -n auto

test-slow: $(STAMP)-test
	$(BIN)/python -m pytest -n auto -m slow

test-reference: $(STAMP)-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[test,reference]'
	$(BIN)/python -m pytest -m reference

# PuLP 4 has another interface, and no CBC of its own.
test-pulp4: $(STAMP)-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pulp>=4,<5'
	$(BIN)/python -m pytest -n auto tests/optimizer/milp tests/optimizer/test_agreement.py; \
		code=$$?; $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) pulp; exit $$code

dist: $(STAMP)-test
	rm -rf build/lib dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

check: $(STAMP)-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/tree && mkdir -p build/tree/modelsizer
	ln -s $(CURDIR)/modelsizer/* $(CURDIR)/problems $(CURDIR)/optimizer $(CURDIR)/plots build/tree/modelsizer/
	$(BIN)/mypy

$(STAMP)-docs: $(STAMP)-solve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[all,docs]'
	@touch $@

# Strict: a warning, a link that leads nowhere among them, is an error. The variable silences an advertisement.
docs: $(STAMP)-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open build/site/index.html; for the search, $(BIN)/python -m http.server -d build/site"

# Some 20 minutes; the pages and pictures of docs/ are pasted and drawn from what it writes.
bench: $(STAMP)-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[test,check,bench]'
	$(BIN)/python -m benchmarks.resolve
	$(BIN)/python -m benchmarks.solvers
	$(BIN)/python -m benchmarks.formulations
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.many
	$(BIN)/python -m benchmarks.laws
	$(BIN)/python -m benchmarks.pictures

# Pins for each Python; needs uv on the path.
lock:
	for minor in 3.11 3.12 3.13 3.14; do \
		uv pip compile pyproject.toml --extra all --extra test --extra check --extra docs --python-version $$minor --no-header \
			--no-emit-index-url --no-annotate --quiet -o locks/py$$minor.txt; \
	done

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# `make` or `make help` lists what there is.
# Needs a Python with venv and pip, nothing else; pyright also needs Node.js, for `make check`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# A process for each core, and whoever is done takes over from the others.
PARALLEL ?= --numprocesses=auto --dist=worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# The tests start Python many times: without bytecode each start compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install test test-all coverage demo bench check format clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the project (editable) and all its tools

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11: name another one, make install PYTHON=..."; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --editable '.[bench,dev,rich,test]'
	@touch $@
	@echo "installed; next: make test, make demo"

test: install ## run the tests
	$(BIN)/python -m pytest $(PARALLEL)

test-all: install ## run the tests on each supported Python that is found
	.ci/test-all $(PARALLEL)

coverage: install ## run the tests and show the lines and branches they miss
	$(BIN)/python -m pytest --cov --cov-report=term-missing

demo: install ## run the example shop: under faults, and then on a journal, killed three times
	$(BIN)/python -m examples.storefront
	$(BIN)/python -m examples.durable_storefront

bench: install ## measure, side by side with peers
	$(BIN)/python -m benchmarks

check: install ## lint, format, types, layers, spelling, and what the wheel holds
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation >/dev/null
	$(BIN)/check-wheel-contents dist

format: install ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

clean: ## remove all that is built, cached or installed
	rm -rf $(VENV) .venvs .cache build dist site htmlcov .coverage*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

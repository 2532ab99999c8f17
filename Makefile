# Two commands for a fresh machine with Python 3.11+, make and a package index:
#   make demo   sets everything up and runs the whole loop, offline, on the bundled sample
#   make test   sets everything up and runs the tests
# And for those who work on it:
#   make proof  runs the other seeds of docs/proof.md, before a release; make test runs the first
#   make lint   style and types
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= tunewise-demo

.PHONY: demo test proof lint clean

$(BIN)/activate:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tunewise needs Python 3.11 or newer (set PYTHON=...)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: $(BIN)/activate pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	mkdir -p .cache/packages && ln -sfn ../.. .cache/packages/tunewise
	touch $@

demo: $(VENV)/.installed
	$(BIN)/tunewise demo $(DEMO)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not other_seed'

proof: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m other_seed tests/proof

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --threads 2

clean:
	rm -rf $(VENV) .cache build *.egg-info

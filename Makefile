# `make demo` and `make test` need only Python 3.11 or newer.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PARALLEL = $(shell $(BIN)/python -c 'import xdist; print("-n 2")' 2>/dev/null)

.PHONY: demo test everything fuzz lint links golden bench clean

demo: $(READY)
	$(BIN)/python examples/lotka_volterra.py

test: $(READY)
	@$(BIN)/python -m pytest -q $(PARALLEL) $(PYTEST)

# The tests, and the slow programs that they only take a sample of.
everything: $(READY)
	@$(BIN)/python -m pytest -q $(PARALLEL) -m "not fuzz" $(PYTEST)

fuzz: $(READY)
	@$(BIN)/python -m pytest -q -m fuzz $(PYTEST)

lint: $(READY) links
	$(BIN)/ruff check .
	$(BIN)/mypy

# Writes the emitted source of the golden programs anew; read the difference like prose.
golden: $(READY)
	@$(BIN)/python -m pytest -q tests/test_golden.py --update-golden

bench: $(READY)
	$(BIN)/python benchmarks/goldens.py
	$(BIN)/python benchmarks/versus.py
	$(BIN)/python benchmarks/jit.py

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Retrograd needs Python 3.11 or newer."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# The import package as links, for the type checker.
links:
	@mkdir -p .types/retrograd
	@ln -sfn ../../runtime .types/retrograd/runtime
	@ln -sfn ../../transformer .types/retrograd/transformer
	@for f in retrograd/*; do ln -sfn ../../$$f .types/$$f; done

clean:
	rm -rf $(VENV) .types build *.egg-info .pytest_cache .mypy_cache .ruff_cache

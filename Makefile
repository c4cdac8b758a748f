PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: run test test-slurm test-browser check mutants soak format clean

run: $(INSTALLED)  ## the offline lab: one run of a minute, its table and its picture
	$(BIN)/python -m robustft

test: $(INSTALLED)  ## the tests, as CI runs them: two workers of one thread each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

test-slurm: $(INSTALLED)  ## studies on a real SLURM of one node, which the tests start and end: root, and Debian's packages of it
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs --tb=short -m slurm tests/slurm

test-browser: $(INSTALLED)  ## the report's page in a real browser: Debian's chromium, installed if this is root
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs --tb=short -m browser tests/browser

check: $(INSTALLED)  ## style, types and who may import whom, as CI checks them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: $(INSTALLED)  ## what the tests must notice: small mistakes put into a copy of the code, one at a time
	$(BIN)/python tests/mutants/run.py

soak: $(INSTALLED)  ## slow proofs: the long forms of tests, AutoAttack beside its authors' code, verdicts and rounding
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m soak
	$(BIN)/python -m pip install --quiet -e '.[dev,bench]'
	$(BIN)/python tests/benchmarks/attacks.py --only strength,rounding

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch and torchvision in one command: pip then takes a pair that fits together.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@echo 'installing (torch is large: some minutes)'
	$(BIN)/python -m pip install --quiet torch torchvision -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist

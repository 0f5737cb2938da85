# make demo: see it work.  make test: everything that CI checks.  Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench clean

demo: $(VENV)/.demo
	$(BIN)/hardiness run --suite demo --out runs/demo

test: $(VENV)/.test lint
	$(BIN)/pytest -q -n auto

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	status=0; for each in pipeline corruptions c_bar imagenet_c imagenet_p attacks visualise; do \
		echo "$$each"; $(BIN)/python bench/$$each.py || status=1; done; exit $$status

clean:
	rm -rf $(VENV) runs

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hardiness needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# This package carries the published frost pictures. It requires opencv-python, which would overwrite the headless cv2
# and wants libGL: so it is installed without what it requires, and only its pictures are read.
FROST := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'imagecorruptions-imaug>=1.1.5'

# The other side of the attacks' tests and bench. It pins requests to 2.25, which the rest has left behind.
RIVAL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'torchattacks==3.5.1'

# The other side of the corruptions' bench. It requires opencv-python too.
RIVAL_BENCH := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'corrupt-tta==0.1.7'

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo]'
	$(FROST)
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	$(FROST)
	$(RIVAL)
	touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(RIVAL_BENCH)
	touch $@

# make demo: see it work.  make check: lint, types and the fast tests.  make test: before each merge.
# Each makes .venv itself.  make help lists the rest.
PYTHON ?= python3
# Where it is set, each process compiles our source anew, and each worker of pytest rewrites all tests.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo check fast-tests test test-rest test-all same lint docs site wheel bench soak sbom audit clean

help:
	@echo 'make demo    installs, then runs three small models on 99 photographs (a minute)'
	@echo 'make check   lint, types, and the fast unit and contract tests (a minute)'
	@echo 'make test    lint, types, and every test but repetition, browser, scale and waiting (ten minutes)'
	@echo 'make test-all  that, without HARDINESS_DATA, then the rest, and what reads HARDINESS_DATA with it (half an hour)'
	@echo 'make same    does everything come out as in HEAD, or as in BEFORE=COMMIT? (three minutes, six the first time)'
	@echo 'make docs    writes the tables and figures of README and docs that are made by commands'
	@echo 'make site    writes the documentation as a site into site/; a link that leads nowhere is an error'
	@echo 'make wheel   builds wheel and sdist into dist/, checks them, and tries the wheel in an empty environment'
	@echo 'make bench   measures us and others; figures are in docs'
	@echo 'make soak    the slow tests over and over, with other random moments and examples each time'
	@echo 'make sbom    what the wheel installs, as sbom.json (CycloneDX)'
	@echo 'make audit   known vulnerabilities of what the wheel installs'
	@echo 'make clean   removes .venv and runs'

demo: $(VENV)/.demo
	$(BIN)/hardiness run --suite demo --out runs/demo
	@[ $$(wc -c < runs/demo/report.html) -le 650000 ] || { echo 'runs/demo/report.html: its page has more than 650 kB'; exit 1; }

# Types take one core and most of the time of lint: the tests use the other meanwhile.
check: $(VENV)/.test
	$(MAKE) -j 2 lint fast-tests

fast-tests: $(VENV)/.test
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not slow and not thorough' tests/unit tests/contract tests/architecture

# MOST_SKIPS=N fails where more than N tests are skipped, or one for want of something that a clone should not lack.
test: $(VENV)/.test lint
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not thorough' $(MOST_SKIPS:%=--most-skips %)

# What `make test` left out, and once more what asks for things beside the clone, now with HARDINESS_DATA.
test-rest: $(VENV)/.test
	$(BIN)/pytest -q -n auto --dist worksteal -m 'thorough or beside'

test-all: $(VENV)/.test
	env -u HARDINESS_DATA -u CI $(MAKE) test
	$(MAKE) test-rest

# Keys, bytes of rows, scores, pages and everything that commands print, beside those of a commit: after moving code.
BEFORE ?= HEAD
same: $(VENV)/.test
	$(BIN)/python tests/nothing_moved.py compare $(BEFORE)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.test
	$(BIN)/python docs/write.py

site: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --site-dir site

# The wheel is tried where nothing else of this project is: --version, the list of benchmarks, two photographs.
wheel:
	rm -rf dist $(VENV)-wheel
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/pip install --quiet --disable-pip-version-check build twine
	$(VENV)-wheel/bin/python -m build --outdir dist .
	$(VENV)-wheel/bin/twine check --strict dist/*
	$(VENV)-wheel/bin/python -m zipfile --list dist/*.whl
	$(VENV)-wheel/bin/pip install --quiet --disable-pip-version-check "$$(ls dist/*.whl)[demo]"
	cd / && $(abspath $(VENV)-wheel)/bin/hardiness --version
	cd / && $(abspath $(VENV)-wheel)/bin/hardiness list benchmarks
	cd / && $(abspath $(VENV)-wheel)/bin/hardiness run -m efficientnet_lite0 -b imagenet-val --data embedded --limit 2 \
		--out "$$(mktemp -d)"
	rm -rf $(VENV)-wheel

bench: $(VENV)/.bench
	status=0; for each in pipeline corruptions c_bar imagenet_c imagenet_p attacks visualise scoring interval_coverage equal_models early plan earlier; do \
		echo "$$each"; $(BIN)/python bench/$$each.py || status=1; done; exit $$status

# HOURS of the tests that draw: kills at random moments and random inputs, drawn anew in each round.
HOURS ?= 2
soak: $(VENV)/.test
	end=$$(( $$(date +%s) + $(HOURS) * 3600 )); round=0; while [ $$(date +%s) -lt $$end ]; do round=$$((round + 1)); \
		echo "round $$round"; HYPOTHESIS_PROFILE=soak $(BIN)/pytest -q -n auto -m soak || exit 1; done; \
		echo "$$round rounds in $(HOURS) hours, no failure"

# What a person gets who evaluates models: the wheel with the extra torch, in an environment of its own.
$(VENV)-wheel/.made: pyproject.toml | $(BIN)/python
	rm -rf dist $(VENV)-wheel && $(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/pip install --quiet --disable-pip-version-check "$$(ls dist/hardiness-*.whl)[torch]"
	$(BIN)/pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7' 'pip-audit>=2.7'
	touch $@

sbom: $(VENV)-wheel/.made
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.json $(VENV)-wheel/bin/python

# Strict: what cannot be looked up is no package without known vulnerabilities.
audit: $(VENV)-wheel/.made
	$(BIN)/pip-audit --strict --progress-spinner off --path "$$($(VENV)-wheel/bin/python -c 'import site; print(site.getsitepackages()[0])')"

clean:
	rm -rf $(VENV) $(VENV)-wheel dist sbom.json runs

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hardiness needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch without CUDA is 3 GB smaller: it comes from its own index, unless there is a GPU or that index does not answer within
# five seconds; then from pip's. TORCH_INDEX=URL names another, TORCH_INDEX= that of pip.
CPU_TORCH := https://download.pytorch.org/whl/cpu
PROBE := import signal, urllib.request; signal.alarm(5); urllib.request.urlopen("$(CPU_TORCH)/torch/")
TORCH_INDEX ?= $(shell (! command -v nvidia-smi && $(BIN)/python -c '$(PROBE)') >/dev/null 2>&1 && echo $(CPU_TORCH))

$(VENV)/.torch: | $(BIN)/python
	@$(BIN)/pip show --quiet torch 2>/dev/null || { index='$(TORCH_INDEX)'; \
		echo "torch comes from $${index:-the index of pip}; TORCH_INDEX=URL names another"; \
		$(BIN)/pip install --quiet --disable-pip-version-check $${index:+--index-url "$$index"} torch torchvision; }
	@touch $@

# This package carries the published frost pictures. It requires opencv-python, which would overwrite the headless cv2
# and wants libGL: so it is installed without what it requires, and only its pictures are read.
FROST := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'imagecorruptions-imaug>=1.1.5'

# The other side of the attacks' tests and bench. It pins requests to 2.25, which the rest has left behind.
RIVAL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'torchattacks==3.5.1'

# The other side of the fidelity table and the corruptions' bench. It requires opencv-python too.
RIVAL_CORRUPTIONS := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'corrupt-tta==0.1.7'

$(VENV)/.demo: pyproject.toml | $(VENV)/.torch
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo,onnx]'
	$(FROST)
	touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.torch
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	$(FROST)
	$(RIVAL)
	$(RIVAL_CORRUPTIONS)
	touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	touch $@

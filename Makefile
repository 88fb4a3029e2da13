# Every target sets itself up first: after a clone, `make reproduce-table` alone or `make test` alone is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATASET ?= puppet
PROFILE ?= quick
METHODS ?= controls
ROOT_FLAG = $(if $(ROOT),--root $(ROOT),)
WORK_FLAG = $(if $(WORK),--work $(WORK),)

.PHONY: setup reproduce-table smoke test test-slow lint clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@start=$$(date +%s); \
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]' && \
	touch $(STAMP) && echo "set-up: $$(( $$(date +%s) - start )) s" >&2

reproduce-table: $(STAMP)
	$(BIN)/emotalk run --dataset $(DATASET) --profile $(PROFILE) --methods $(METHODS) $(ROOT_FLAG) $(WORK_FLAG)

smoke: $(STAMP)
	$(BIN)/emotalk run --dataset puppet --profile smoke --methods controls $(WORK_FLAG)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check bench baselines metrics reports tests

clean:
	rm -rf $(VENV) work

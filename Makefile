# Every target sets itself up first: after a clone, `make reproduce-table` alone or `make test` alone is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REFERENCE := .venv-ref
DATASET ?= puppet
PROFILE ?= quick
METHODS ?= controls$(if $(TRAIN),$(COMMA)$(RETRAINED),$(if $(EMBEDDED),$(COMMA)two-stage))
REFERENCE_ROW ?= $(or $(METHOD),gt-reencoded)-$(DATASET)-$(PROFILE)
ROOT_FLAG = $(if $(ROOT),--root "$(ROOT)",)
COMMA := ,
EMBEDDED = $(filter puppet%,$(DATASET))
TRAINED = $(or $(WORK),$(EMOTALK_WORK),work)/trained/$(DATASET)-$(PROFILE)
RETRAINED = generator-self$(if $(EMBEDDED),,=$(TRAINED)/generator.safetensors),oracle-cues=$(TRAINED)/landmarks_to_face.safetensors,\
two_stage=$(TRAINED)/speech_to_cues.safetensors
WORK_FLAG = $(if $(WORK),--work "$(WORK)",)

.PHONY: setup reproduce-table train-two-stage smoke test test-slow tolerances experts sweep calibrate ablations regress cluster reference-venv lint clean distclean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@start=$$(date +%s); \
	{ test -x $(BIN)/python || { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	"Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make setup PYTHON=python3.12")' && \
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }; } && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]' && \
	touch $(STAMP) && echo "set-up: $$(( $$(date +%s) - start )) s" >&2

# On the embedded dataset with the shipped checkpoints; with TRAIN=1 stage 1 and stage 2 of two_stage are trained before, on the
# method-training speakers of PROFILE, and on real data the generator too (that wants a GPU). Exit code 4 (some items failed; they are listed and counted in the table) does not stop a table.
reproduce-table: $(STAMP) $(if $(TRAIN),train-two-stage)
	$(BIN)/emotalk run --dataset $(DATASET) --profile $(PROFILE) --methods "$(METHODS)" $(ROOT_FLAG) $(WORK_FLAG) || [ $$? -eq 4 ]

ON = --dataset $(DATASET) $(if $(EMBEDDED),--profile $(PROFILE)) $(ROOT_FLAG) $(WORK_FLAG)

train-two-stage: $(STAMP)
	for part in method-train validation; do $(BIN)/emotalk prepare $(ON) --split $$part || exit; done
	$(BIN)/emotalk train --method speech_to_cues $(ON) --patience 4 --out "$(TRAINED)"
	$(if $(EMBEDDED),,$(BIN)/emotalk train --method generator $(ON) --out "$(TRAINED)")
	$(BIN)/emotalk train --method landmarks_to_face $(ON) $(if $(EMBEDDED),,--set generator="$(TRAINED)/generator.safetensors") --out "$(TRAINED)"

smoke: $(STAMP)
	$(BIN)/emotalk run --dataset puppet --profile smoke --methods controls $(WORK_FLAG)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: $(VENV)/.cluster $(REFERENCE)/.installed
	$(BIN)/python -m pytest -m slow -s

# docs/tolerances.md: every comparison with a reference implementation, as the tests make it.
tolerances: $(STAMP) $(REFERENCE)/.installed
	$(BIN)/python -m pytest -n 2 --tolerances=docs/tolerances.md tests

# The evaluators that ship, as their cards say: judges, sync expert and cohesion matcher of the embedded dataset (about an hour).
experts: export OMP_NUM_THREADS = 1
experts: $(STAMP)
	for part in judge-train validation; do $(BIN)/emotalk prepare --dataset puppet --profile bench --split $$part $(WORK_FLAG) || exit; done
	$(BIN)/emotalk train --metric judge --seeds 0,1,2 --dataset puppet --profile bench --out metrics/experts/puppet $(WORK_FLAG)
	$(BIN)/emotalk train --metric judge-geometry --seeds 0,1,2 --dataset puppet --profile bench --out metrics/experts/puppet $(WORK_FLAG)
	$(BIN)/emotalk train --metric sync-expert --dataset puppet --profile bench --out metrics/experts/puppet $(WORK_FLAG)
	$(BIN)/emotalk train --metric cohesion --dataset puppet --profile bench --out metrics/experts/puppet $(WORK_FLAG)

# One thing trained in many settings: a file in W&B's sweep format, or the name of one in bench/sweeps/ (docs/sweeps.md).
# Of the embedded dataset what it needs is rendered and prepared first.
SWEEP ?= judge-geometry
AGENTS ?= 2
sweep: $(STAMP)
	$(BIN)/emotalk sweep "$(SWEEP)" --prepare --agents $(AGENTS) $(WORK_FLAG)

# Every column under damage of known size, against what was declared (docs/calibration.md).
calibrate: $(STAMP)
	$(BIN)/emotalk calibrate --dataset $(DATASET) --profile $(PROFILE) $(ROOT_FLAG) $(WORK_FLAG)

# The rows of the two-stage model with one thing taken out, trained on PROFILE's method-training speakers (docs/two-stage.md).
ABLATED = $(or $(WORK),$(EMOTALK_WORK),work)/trained/ablations-$(DATASET)-$(PROFILE)
ablations: export OMP_NUM_THREADS = 1
ablations: $(STAMP)
	for part in method-train validation; do $(BIN)/emotalk prepare $(ON) --split $$part || exit; done
	for pair in no-classifier:classifier regressed-gaze:discretised separate:joint teacher-forced:scheduled no-label:emotion; do \
	$(BIN)/emotalk train --method speech_to_cues $(ON) --set $${pair#*:}=false --out "$(ABLATED)/$${pair%:*}" || exit; done
	$(BIN)/emotalk run $(ON) --methods "two_stage-no-relocation,two_stage-no-latent$(foreach name,no-classifier regressed-gaze \
	separate teacher-forced no-label,$(COMMA)two_stage-$(name)=$(ABLATED)/$(name)/speech_to_cues.safetensors)" || [ $$? -eq 4 ]

# Is a checkpoint, or a folder of videos, worse than a frozen reference? make regress METHOD=two_stage CKPT=path, or VIDEOS=folder.
# Exit code 0 not worse, 1 regressed, 5 could not tell (docs/regression.md).
regress: $(STAMP)
	$(BIN)/emotalk regress --reference "$(REFERENCE_ROW)" --dataset $(DATASET) --profile $(PROFILE) $(if $(METHOD),--method "$(METHOD)",) \
	$(if $(CKPT),--checkpoint "$(CKPT)",) $(if $(VIDEOS),--videos "$(VIDEOS)",) $(ROOT_FLAG) $(WORK_FLAG)

# Ray, Dask and submitit (docs/clusters.md), of which the slow tests run two workers each, and optuna (docs/sweeps.md).
cluster: $(VENV)/.cluster

$(VENV)/.cluster: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,cluster,sweep]'
	touch $@

# Reference tools that cannot share the environment; they run as programs in the slow tests only.
reference-venv: $(REFERENCE)/.installed

$(REFERENCE)/.installed: tests/reference/requirements.txt
	test -x $(REFERENCE)/bin/python || $(PYTHON) -m venv $(REFERENCE)
	$(REFERENCE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/reference/requirements.txt
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check bench baselines metrics reports tests

clean:
	rm -rf $(VENV) $(REFERENCE)

# also what was prepared, generated and evaluated
distclean: clean
	rm -rf work

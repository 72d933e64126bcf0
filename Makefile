# Thin targets; the logic is Python. `make` alone lists them.
PYTHON  ?= python3
PROFILE ?= classroom
DATA    ?=
ROW     ?=
JOBS    ?= 2
RECORDINGS ?= audio
RECORDED := 02_audio_features-real 03_acoustic_vectors-real 03_acoustic_vectors-classroom \
  06_playlist_completion-real
BENCHMARKS := graph sampling training evaluation ease features mel
VENV    := .venv
BIN     := $(VENV)/bin
# Installs use exactly this torch: a range would bring a newer build with other CUDA packages.
TORCH   := 2.13.0
UV      := 0.13.9
# One thread a process: on a shared two-core machine two threads in each are far slower.
ONE     := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: help book chapter test audit results bench lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

book: $(VENV)/.book  ## run every notebook, build the book into _build/html (PROFILE=classroom DATA=)
	$(BIN)/python -m musig.running.book --profile $(PROFILE) $(if $(DATA),--data "$(DATA)")

chapter: $(VENV)/.book  ## run one chapter and draw its page alone: make chapter N=05 (P="hops=1 epochs=5" PROFILE= DATA=)
	@test -n "$(N)" || { echo "Say which chapter, for example: make chapter N=05"; exit 1; }
	@$(BIN)/python -m musig.running.chapter $(N) $(P) --profile $(PROFILE) $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.test  ## lint, types, unit tests, every notebook, the book
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(ONE) $(BIN)/python -m pytest -n 2 --dist loadfile -m "not audit"

audit: $(VENV)/.audit  ## all tests, and those for once a week: every parameter alone, the paper's size
	$(ONE) $(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(VENV)/.peers  ## speed against peers, on one thread and on two, into _build/bench.json
	@missed=0; for threads in 1 2; do for script in $(BENCHMARKS); do \
	  $(BIN)/python benchmarks/$$script.py --threads $$threads || missed=1; done; done; exit $$missed

results: $(VENV)/.book  ## record the real runs anew in results/ (DATA= and RECORDINGS=folder, else those of MUSIG_DATA); ROW=07_methods/ease makes one row of a table again
ifneq ($(strip $(ROW)),)
	$(BIN)/python -m musig.running.results $(foreach row,$(ROW),'$(row)') --again --jobs $(JOBS) $(if $(DATA),--data "$(DATA)")
	$(BIN)/python -m musig.running.book --readme
else
	$(BIN)/python -m musig.running.results --jobs $(JOBS) $(if $(DATA),--data "$(DATA)")
	$(BIN)/musig run 02 --profile real -p recordings "$(RECORDINGS)"
	$(BIN)/musig run 03 --profile real -p recordings "$(RECORDINGS)" -p repeats 10
	@# The training was settled on the seeds 1 to 4.
	$(BIN)/musig run 03 --profile classroom -p repeats 10 -p seed 5
	$(BIN)/musig run 06 --profile real $(if $(DATA),-p data "$(DATA)")
	@mkdir -p results && cp $(RECORDED:%=_build/runs/%.json) results/
	$(BIN)/python -m musig.running.book --readme
endif

lock:  ## solve requirements.lock anew from pyproject.toml (keeps what still fits)
	@mkdir -p _build && rm -rf _build/lock && $(PYTHON) -m venv _build/lock
	@_build/lock/bin/python -m pip install --quiet uv==$(UV)
	@cp requirements.lock _build/lock/solved.txt
	@echo "torch==$(TORCH)" > _build/lock/torch.txt
	_build/lock/bin/uv pip compile --quiet pyproject.toml _build/lock/torch.txt --extra test --extra vibenet --extra peers --extra spark --universal \
	  --python-version 3.11 --no-annotate --no-header --output-file _build/lock/solved.txt
	@# CUDA packages come with a CUDA build of torch, in the versions it asks for: not ours to pin.
	@grep -vE '^(nvidia-|cuda-|triton)' _build/lock/solved.txt > _build/lock/requirements.lock
	@mv _build/lock/requirements.lock requirements.lock && rm -rf _build/lock
	@echo "requirements.lock holds $$(wc -l < requirements.lock) packages."

clean:  ## remove what was built and cached (.venv stays)
	rm -rf _build .cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "musig needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)

# Stamps: an installation is repeated only when pyproject.toml or requirements.lock changed.
$(VENV)/.book: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing the pinned packages, a few minutes the first time …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

$(VENV)/.test: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing the pinned packages and the test tools, a few minutes the first time …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[test]"
	@touch $@ $(VENV)/.book

$(VENV)/.audit: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing the pinned packages, the test tools, Spark and Snakemake, some minutes the first time …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[test,spark]"
	@# Snakemake is not in the lock: it is pinned in pyproject.toml.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cluster]"
	@touch $@ $(VENV)/.test $(VENV)/.book

$(VENV)/.peers: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing the pinned packages and what the benchmarks compare with …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[peers]"
	@touch $@ $(VENV)/.book

# make table3       the main job: everything up to results/table3.csv, one seed
# make report       what is there as one page, results/report.html; nothing else is computed
#                     FULL=1: everything is built first
# make all          every table and figure, every seed of the config
# make table1       one table, every seed; likewise table2, table4, table5, table6a, table6b,
#                     frontier, costs, encoders, audit and statistics
# make figures      every figure
#                     each of these with a config laid over the miniature, table3 over
#                     config/one_seed.yaml, too: make all CONFIG=mine.yaml, CONFIG="a.yaml b.yaml"
#
# Before a run
# make search       try other rates, KL weights and the like on dev, as the config's `search` says:
#                     results/search/ (docs/dev_search.md)
# make plan         what it will cost: make plan CONFIG=config/paper.yaml
#                     ARGUMENTS="--rl-pairs mt=90000": what the config cannot say
# make language     write the config of another language (docs/languages.md):
#                     make language SOURCE=en TARGET=sw TRAIN=train.jsonl TEST=test.jsonl
#                     BASE=models/base OUT=sw.yaml; TRAIN="a.en a.sw": two text files
#                     MAP="source=en target=sw", PROMPT="… {source}", RETENTION=questions.json,
#                     ENCODERS="models/a models/b", SCRIPTS=xx=Latin, DEVICE=cuda
# make trim         a copy of a policy with the vocabulary of the config's texts, at the last
#                     config's policy.path (docs/training.md): make trim BASE=models/gemma-3-270m
#                     CONFIG="config/bodo.yaml config/bodo_small.yaml"
#
# After a run
# make release      a folder for the hub in results/release/: make release MODEL=mt/rl/0
#                     LICENCE=apache-2.0; MERGED=1: the whole model, too; PUSH=owner/name: uploaded
# make try          a released model beside its base and strong SFT on a page of this machine:
#                     make try MODEL=mt/rl/0; PORT=8001
# make translate    use a released model: make translate MODEL=mt/rl/0 TEXT="…"
#                     FILE=lines.txt, or standard input: many lines
# make provenance   what made a result, back to the raw data:
#                     make provenance ARTEFACT=results/table3.csv
# make judge-again  ask a language model as the judge again for what has no verdict, and for nothing
#                     else (docs/judge.md)
#
# For developers
# make test         the tests
# make long         the tests that take minutes: real text end to end, every method, table 3 on SLURM,
#                     a disk that fills up, trainings of several processes killed, benchmarks
# make soak         kills jobs and Snakemake at 60 random moments and compares with an undisturbed
#                     run (about 20 minutes)
# make check        formatter, lint, types, and the documentation without a warning
# make docs         the documentation as a site: docs/_build/index.html
# make examples     docs/examples.md and its pictures, from results/table3 and results/report.html;
#                     needs Chromium
# make bench        how fast this machine is: training, generation, likelihood and reward, on a GPU
#                     at Qwen3-4B's shape
# make bench-trl    GRPO beside trl's own trainer, on the miniature
# make gpu-check    everything once on a GPU, in nine minutes and unattended: tests/gpu beside the
#                     CPU, benchmarks, table 3; results/gpu-check/summary.json (docs/performance.md)
#                     ARGUMENTS="--parts correctness,tiny": these alone
# make help         these lines
#
# The first run installs the locked packages into .venv, with the Python that PYTHON=python3.12 names.
# With BIN=/opt/env/bin nothing is installed, and the Python of that folder is used. CORES=4: that
# many instead of all.
PYTHON ?= python3
CORES ?= all
ifneq ($(origin BIN),command line)
BIN := .venv/bin
READY := .venv/ready
READY_DEV := .venv/ready-dev
else
READY := runs
endif
export PYTHONDONTWRITEBYTECODE :=# dozens of short processes: compiled modules must be kept

TABLES := table1 table2 table4 table5 table6a table6b frontier costs encoders statistics audit
# $(1): targets; $(2): a config under the user's own. As a module: the folder of a script may have any name, its first line not.
SNAKEMAKE = $(if $(CONFIG),"$(BIN)/python" tools/check_config.py $(CONFIG) && )"$(BIN)/python" -m snakemake --cores $(CORES) $(1) \
	$(if $(2)$(CONFIG),--configfile $(2) $(CONFIG))
WHERE = semalign: $(1) is in results/$(1).csv, .md, .tex and .json

.PHONY: table3 all figures report search $(TABLES) provenance judge-again release language translate try trim plan bench bench-trl gpu-check test long soak check lint types docs examples lock conda help
.DEFAULT_GOAL := table3
.NOTPARALLEL:# one Snakemake at a time works in a folder, and it has all cores

table3: $(READY)
	@echo "semalign: building results/table3.csv, one seed (snakemake --cores $(CORES)); logs in results/logs/"
	@$(call SNAKEMAKE,results/table3.csv results/figures/tradeoff.svg,config/one_seed.yaml)
	@"$(BIN)/python" tools/show_table.py results/table3.csv
	@echo "$(call WHERE,table3); make report shows all that there is as a page"

all: $(READY)
	@echo "semalign: building every table and figure (snakemake --cores $(CORES)); logs in results/logs/"
	@$(call SNAKEMAKE,all)
	@"$(BIN)/python" tools/show_table.py results/table3.csv
	@echo "$(call WHERE,table3); every other table lies beside it, figures in results/figures/"

$(TABLES): $(READY)
	@echo "semalign: building results/$@.csv (snakemake --cores $(CORES)); logs in results/logs/"
	@$(call SNAKEMAKE,results/$@.csv)
	@"$(BIN)/python" tools/show_table.py results/$@.csv
	@echo "$(call WHERE,$@)"

figures: $(READY)
	@echo "semalign: building results/figures/ (snakemake --cores $(CORES)); logs in results/logs/"
	@$(call SNAKEMAKE,figures)

report: $(READY)
	@echo "semalign: building results/report.html from $(if $(FULL),all results,the results that are there); logs in results/logs/"
	@$(if $(FULL),,export SEMALIGN_REPORT=present; )$(call SNAKEMAKE,results/report.html $(if $(FULL),,--allowed-rules report --force))
	@echo "semalign: the report is results/report.html; open it in a browser"

search: $(READY)
	@echo "semalign: building results/search/, no test set being read (snakemake --cores $(CORES)); logs in results/logs/"
	@$(call SNAKEMAKE,search)
	@"$(BIN)/python" -m tools.show_search $(CONFIG)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

provenance: $(READY)
	@test -n "$(ARTEFACT)" || { echo "name a result, as in make provenance ARTEFACT=results/table3.csv"; exit 1; }
	@"$(BIN)/python" tools/provenance.py "$(ARTEFACT)"

judge-again: $(READY)
	@"$(BIN)/python" tools/judge_again.py

release: $(READY)
	@test -n "$(MODEL)" || { echo "name a model, as in make release MODEL=mt/rl/0"; exit 1; }
	@"$(BIN)/python" tools/release.py "$(MODEL)" $(if $(LICENCE),--licence "$(LICENCE)") $(if $(MERGED),--merged) $(if $(BASE),--base "$(BASE)") \
		$(if $(call TYPED,PUSH),--push "$(PUSH)") $(if $(call TYPED,PUBLIC),--public) $(if $(call TYPED,EXISTING),--existing)

# A variable's value where it was typed after make: what the environment happens to hold uploads nothing, and publishes nothing.
TYPED = $(if $(filter command,$(origin $(1))),$($(1)))

language: export SEMALIGN_PROMPT := $(value PROMPT)
language: $(READY)
	@"$(BIN)/python" tools/language.py --source "$(SOURCE)" --target "$(TARGET)" --train $(TRAIN) --test $(TEST) --base "$(BASE)" \
		--out "$(OUT)" $(if $(MAP),--columns $(MAP)) $(if $(value PROMPT),--prompt "$$SEMALIGN_PROMPT") \
		$(if $(RETENTION),--retention "$(RETENTION)") $(if $(ENCODERS),--encoders $(ENCODERS)) \
		$(if $(SCRIPTS),--scripts $(SCRIPTS)) $(if $(DEVICE),--device "$(DEVICE)")

# What is to be translated goes through the environment as it is: neither make nor the shell reads it.
translate: export SEMALIGN_TEXT := $(value TEXT)
translate: $(READY)
	@test -n "$(MODEL)" || { echo "name a released model, as in make translate MODEL=mt/rl/0 TEXT=…" >&2; exit 1; }
	@"$(BIN)/python" tools/translate.py --release "results/release/$(MODEL)" $(if $(value TEXT),--text "$$SEMALIGN_TEXT",$(if $(FILE),--file "$(FILE)"))

try: $(READY)
	@"$(BIN)/python" tools/try_model.py $(if $(MODEL),--release "results/release/$(MODEL)") $(if $(call TYPED,PORT),--port "$(PORT)")

trim: $(READY)
	@test -n "$(BASE)" -a -n "$(CONFIG)" || { echo "name a policy's folder and configs, as in make trim BASE=models/gemma CONFIG=mine.yaml"; exit 1; }
	@"$(BIN)/python" -m tools.trim_vocabulary "$(BASE)" $(CONFIG) $(ARGUMENTS)

plan: $(READY)
	@"$(BIN)/python" -m tools.plan $(CONFIG) $(ARGUMENTS)

bench: $(READY)
	@"$(BIN)/python" -m bench.run policy start $(ARGUMENTS)

bench-trl: $(READY)
	@$(call SNAKEMAKE,$(foreach seed,0 1 2,results/mt/cold_sft/$(seed)/threshold.json))
	@"$(BIN)/python" -m bench.run trl $(ARGUMENTS)

gpu-check: $(READY_DEV)
	@"$(BIN)/python" -m bench.gpu_check $(ARGUMENTS)

test: $(READY_DEV)
	@echo "semalign: running the tests"
	@OMP_NUM_THREADS=1 "$(BIN)/python" -m pytest --numprocesses 2 tests/unit tests/gpu
	@"$(BIN)/python" -m pytest --numprocesses 3 --dist loadscope tests/workflow tests/cluster tests/browser # many of them wait

long: $(READY_DEV)
	@"$(BIN)/python" -m pytest -m long tests

soak: $(READY_DEV)
	@SEMALIGN_KILLS=60 "$(BIN)/python" -m pytest tests/workflow/test_interruption.py

docs: $(READY_DEV)
	@"$(BIN)/python" -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build
	@echo "semalign: the documentation is in docs/_build/index.html"

examples: $(READY_DEV)
	@"$(BIN)/python" tools/examples.py

check: docs lint types

lint: $(READY_DEV)
	"$(BIN)/python" -m ruff format --check .
	"$(BIN)/python" -m ruff check .
	"$(BIN)/snakefmt" --check Snakefile workflow
	PYTHONPATH=workflow/scripts "$(BIN)/lint-imports" --no-cache
	"$(BIN)/python" -m snakemake --lint

types: $(READY_DEV)
	"$(BIN)/python" -m mypy

# What cannot run is made anew: an installation that was interrupted, a Python that is gone.
ifneq ($(wildcard .venv/ready),)
ifneq ($(shell .venv/bin/python -m pip --version >/dev/null 2>&1 && echo runs),runs)
.PHONY: .venv/ready
endif
endif

.venv/ready: envs/requirements.txt envs/lock.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "semalign needs Python 3.11 or newer: install it and name it, as in make PYTHON=python3.11 table3"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' \
		|| { echo "semalign needs Python's venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@echo "semalign: installing the locked packages into .venv (once, one or two minutes)"
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv \
		|| { echo "semalign: .venv could not be made; the reason stands above (space, rights?)"; exit 1; }
	@$(call INSTALL,envs/requirements.txt)
	@touch $@

.PHONY: runs
runs:
	@"$(BIN)/python" -c 'import snakemake' \
		|| { echo "semalign: BIN=$(BIN): no Python with the packages of envs/requirements.txt is there; the reason stands above"; exit 1; }

.venv/ready-dev: .venv/ready envs/requirements-dev.txt
	@echo "semalign: installing the test tools into .venv"
	@$(call INSTALL,envs/requirements-dev.txt)
	@touch $@

INSTALL = .venv/bin/python -m pip install --quiet --no-compile --requirement $(1) --constraint envs/lock.txt \
	|| { echo "semalign: pip could not install the packages; its last words stand above. Where it found no version of anything, \
	the network may be missing. Then run the same command again"; exit 1; }

# Renew the lock from the newest versions that the requirements admit.
lock:
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --requirement envs/requirements.txt --requirement envs/requirements-dev.txt torch==2.13.0
	@.venv-lock/bin/python -m pip freeze | sed -E 's/^torch @.*/torch==2.13.0/; s/\+cpu$$//' > envs/lock.txt
	@rm -rf .venv-lock
	@$(MAKE) --no-print-directory conda

# Write envs/semalign.yaml, for --sdm conda, from the lock.
conda:
	@{ printf '%s\n' '# Made from lock.txt by make conda.' 'channels:' '  - conda-forge' '  - nodefaults' 'dependencies:' \
		'  - python=3.11' '  - pip' '  - pip:'; sed 's/^/      - /' envs/lock.txt; } > envs/semalign.yaml

# Write config/schema.json and docs/config.md from the config's model.
.PHONY: schema
schema: $(READY_DEV)
	@PYTHONPATH=workflow/scripts "$(BIN)/python" -c 'from semalign.preflight.root import schema; print(schema(), end="")' > config/schema.json
	@"$(BIN)/python" tools/config_reference.py > docs/config.md.new && mv docs/config.md.new docs/config.md

# make table3   the main job: everything up to results/table3.csv, one seed
# make all      every table and figure, every seed of the config
# make table1   one table, every seed; likewise table2, table4, table5, table6a, table6b, frontier, costs, encoders, audit
#               and statistics
# make figures  every figure
# make report   all of it as one page, results/report.html; of a config laid over: make report CONFIG=config/one_seed.yaml
# make provenance ARTEFACT=results/table3.csv    what made a result, back to the raw data
# make judge-again    let a language model as the judge be asked again for what has no verdict, and for nothing else (docs/judge.md)
# make release MODEL=mt/rl/0     a folder for the Hugging Face hub in results/release/; LICENCE=apache-2.0, MERGED=1: whole model too
# make translate MODEL=mt/rl/0 TEXT="…"    use a released model; FILE=lines.txt, or standard input, for many lines
# make plan     what a config will cost before it runs: make plan CONFIG="config/paper.yaml" ARGUMENTS="--rl-pairs mt=90000"
# make bench    how fast this machine is: training, generation, likelihood and reward at Qwen3-4B's shape on a GPU
# make bench-trl    GRPO beside trl's own trainer, on the miniature
# make test     the tests
# make long     the tests that take minutes: real text end to end, every method, table 3 on SLURM, a disk that fills up, trainings of
#               several processes killed, benchmarks
# make soak     kills jobs and Snakemake at 60 random moments and compares with an undisturbed run (about 20 minutes)
# make check    formatter, lint, types, and the documentation without a warning
# make docs     the documentation as a site: docs/_build/index.html
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=# dozens of short processes: compiled modules must be kept

TABLES := table1 table2 table4 table5 table6a table6b frontier costs encoders statistics audit
SNAKEMAKE = $(if $(CONFIG),$(BIN)/python tools/check_config.py $(CONFIG) && )$(BIN)/snakemake --cores $(CORES)
WHERE = semalign: $(1) is in results/$(1).csv, .md, .tex and .json

.PHONY: table3 all figures report $(TABLES) provenance judge-again release translate plan bench bench-trl test long soak check docs lock conda
.DEFAULT_GOAL := table3

table3: .venv/ready
	@echo "semalign: building results/table3.csv, one seed (snakemake --cores $(CORES)); logs in results/logs/"
	@$(SNAKEMAKE) results/table3.csv --configfile config/one_seed.yaml
	@cat results/table3.md
	@echo "$(call WHERE,table3)"

all: .venv/ready
	@echo "semalign: building every table and figure (snakemake --cores $(CORES)); logs in results/logs/"
	@$(SNAKEMAKE) all
	@cat results/table3.md
	@echo "$(call WHERE,table3); every other table lies beside it, figures in results/figures/"

$(TABLES): .venv/ready
	@echo "semalign: building results/$@.csv (snakemake --cores $(CORES)); logs in results/logs/"
	@$(SNAKEMAKE) results/$@.csv
	@cat results/$@.md
	@echo "$(call WHERE,$@)"

figures: .venv/ready
	@echo "semalign: building results/figures/ (snakemake --cores $(CORES)); logs in results/logs/"
	@$(SNAKEMAKE) figures

report: .venv/ready
	@echo "semalign: building results/report.html (snakemake --cores $(CORES)); logs in results/logs/"
	@$(SNAKEMAKE) results/report.html $(if $(CONFIG),--configfile $(CONFIG))
	@echo "semalign: the report is $(CURDIR)/results/report.html; open it in a browser"

provenance: .venv/ready
	@test -n "$(ARTEFACT)" || { echo "name a result, as in make provenance ARTEFACT=results/table3.csv"; exit 1; }
	@$(BIN)/python tools/provenance.py "$(ARTEFACT)"

judge-again: .venv/ready
	@$(BIN)/python tools/judge_again.py

release: .venv/ready
	@test -n "$(MODEL)" || { echo "name a model, as in make release MODEL=mt/rl/0"; exit 1; }
	@$(BIN)/python tools/release.py "$(MODEL)" $(if $(LICENCE),--licence "$(LICENCE)") $(if $(MERGED),--merged) $(if $(BASE),--base "$(BASE)")

# What is to be translated goes through the environment as it is: neither make nor the shell reads it.
translate: export SEMALIGN_TEXT := $(value TEXT)
translate: .venv/ready
	@test -n "$(MODEL)" || { echo "name a released model, as in make translate MODEL=mt/rl/0 TEXT=…" >&2; exit 1; }
	@$(BIN)/python tools/translate.py --release "results/release/$(MODEL)" $(if $(value TEXT),--text "$$SEMALIGN_TEXT",$(if $(FILE),--file "$(FILE)"))

plan: .venv/ready
	@$(BIN)/python -m tools.plan $(CONFIG) $(ARGUMENTS)

bench: .venv/ready
	@$(BIN)/python -m bench.run policy start $(ARGUMENTS)

bench-trl: .venv/ready
	@$(SNAKEMAKE) results/mt/cold_sft/0/threshold.json results/mt/cold_sft/1/threshold.json results/mt/cold_sft/2/threshold.json
	@$(BIN)/python -m bench.run trl $(ARGUMENTS)

test: .venv/ready-dev
	@echo "semalign: running the tests"
	@OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 tests/unit
	@$(BIN)/pytest --numprocesses 3 --dist loadscope tests/workflow tests/cluster tests/browser # many of them wait

long: .venv/ready-dev
	@$(BIN)/pytest -m long tests

soak: .venv/ready-dev
	@SEMALIGN_KILLS=60 $(BIN)/pytest tests/workflow/test_interruption.py

docs: .venv/ready-dev
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build
	@echo "semalign: the documentation is in docs/_build/index.html"

check: .venv/ready-dev docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

.venv/ready: envs/requirements.txt envs/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "semalign needs Python 3.11 or newer: install it and name it, as in make PYTHON=python3.11 table3"; exit 1; }
	@echo "semalign: installing the locked packages into .venv (once, one or two minutes)"
	@$(PYTHON) -m venv .venv \
		|| { echo "semalign needs Python's venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-compile --requirement envs/requirements.txt --constraint envs/lock.txt
	@touch $@

.venv/ready-dev: .venv/ready envs/requirements-dev.txt
	@echo "semalign: installing the test tools into .venv"
	@$(BIN)/python -m pip install --quiet --no-compile --requirement envs/requirements-dev.txt --constraint envs/lock.txt
	@touch $@

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
schema: .venv/ready-dev
	@PYTHONPATH=workflow/scripts $(BIN)/python -c 'from semalign.config.whole import schema; print(schema(), end="")' > config/schema.json
	@$(BIN)/python tools/config_reference.py > docs/config.md.new && mv docs/config.md.new docs/config.md

"""semalign: semantic-reward language learning and its alignment tax, as one DAG.

`config/config.yaml` is the miniature; other configs are laid over it with --configfile. Targets are result files:
`snakemake --cores all results/table3.csv`.
"""

import os

from snakemake.utils import min_version

min_version("9.0")


configfile: os.path.join(workflow.basedir, "config", "config.yaml")


# Read with --sdm apptainer alone; made from envs/Dockerfile (docs/cluster.md).
container: os.path.join(workflow.basedir, "envs", "semalign.sif")


include: "workflow/rules/common.smk"
include: "workflow/rules/slices.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/shown.smk"


wildcard_constraints:
    task=TASK_PATTERN,
    model=MODEL_PATTERN,
    seed=r"\d+",
    run=run_pattern(MODEL_PATTERN),
    encoder="|".join(ALL_ENCODERS),


include: "workflow/rules/downloads.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/encoder.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


if workflow.is_main_process:
    CONTENTS.save()


onstart:
    name_jobs()
    one_at_a_time(workflow.scheduler)


onsuccess:
    say_last(results_made(workflow.dag.derived_targetfiles))


onerror:
    say_last(failures_told(failures()))


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        "results/sources.csv",

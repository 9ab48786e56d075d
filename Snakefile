"""semalign: semantic-reward language learning and its alignment tax, as one DAG.

`config/config.yaml` is the miniature; other configs are laid over it with --configfile. Targets are result files:
`snakemake --cores all results/table3.csv`.
"""

import os

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

min_version("9.0")


# Not workflow.basedir: as a module of another workflow, that is the other's.
PROJECT = str(workflow.current_basedir)
if not os.path.isdir(PROJECT):
    raise WorkflowError(f"{PROJECT}: jobs need the project's files; clone it, and name the Snakefile of the clone")


configfile: os.path.join(PROJECT, "config", "config.yaml")


if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:

    # Made from envs/Dockerfile (docs/cluster.md).
    container: os.path.join(PROJECT, "envs", "semalign.sif")


include: "workflow/rules/common.smk"
include: "workflow/rules/rule_settings.smk"
include: "workflow/rules/measure_settings.smk"
include: "workflow/rules/searches.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/judge_settings.smk"
include: "workflow/rules/given_models.smk"
include: "workflow/rules/method_settings.smk"
include: "workflow/rules/table_contents.smk"


wildcard_constraints:
    task=TASK_PATTERN,
    model=MODEL_PATTERN,
    seed=r"\d+",
    run=run_pattern(MODEL_PATTERN),
    encoder="|".join(ALL_ENCODERS),


include: "workflow/rules/downloads.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/retention.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/encoder.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/report.smk"


if workflow.is_main_process:
    CONTENTS.save()


onstart:
    os.environ.update({"SEMALIGN_END_TELLS": "1"})
    pass_on_terminations()
    name_jobs()
    logger.addHandler(STATUSES)
    LOGS_BEFORE.update(states(log for job in workflow.dag.needrun_jobs() for log in job.log))
    one_line_a_job(logger, (job.name for job in workflow.dag.needrun_jobs()))
    patch_scheduler(workflow.scheduler, snakemake_version, logger)
    if starts_warm():
        warm_start.start(logger)
    record_locks(
        Path(".snakemake"),
        workflow.persistence.all_inputfiles(),
        workflow.persistence.all_outputfiles(),
    )


onsuccess:
    print_at_exit(results_made(workflow.dag.derived_targetfiles))


onerror:
    print_at_exit(failures_told(failures(), LOGS_BEFORE))


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        "results/sources.csv",

"""semalign: semantic-reward language learning and its alignment tax, as one DAG.

`config/config.yaml` is the miniature; other configs are laid over it with --configfile. Targets are result files:
`snakemake --cores all results/table3.csv`.
"""

import os

from snakemake.utils import min_version

min_version("9.0")


configfile: os.path.join(workflow.basedir, "config", "config.yaml")


include: "workflow/rules/common.smk"


wildcard_constraints:
    task="mt|hg",
    model="cold_sft|strong_sft|rl",
    seed=r"\d+",
    run=r"base|(mt|hg)/(cold_sft|strong_sft|rl)/\d+",
    encoder="reward|independent",


rule all:
    default_target: True
    input:
        "results/table3.csv",


include: "workflow/rules/data.smk"
include: "workflow/rules/encoder.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/tables.smk"

"""What the rules share: the validated config, the form of their inputs and parameters, and how jobs are named."""

import os
import re
import shlex
import sys
from itertools import chain
from pathlib import Path

from pydantic_core import to_jsonable_python
from snakemake import __version__ as snakemake_version
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

for folder in (PROJECT, os.getcwd()):
    if set("{}") & set(folder):
        raise WorkflowError(
            f"{folder}: Snakemake takes braces in a path for wildcards; give the folder a name without them"
        )
if workflow.modifier.path_modifier.replace_prefix("results/all", None) != "results/all":
    raise WorkflowError(
        "the workflow writes to results/ and finds its results there; as a module it takes neither prefix nor "
        "replace_prefix: choose the working folder with --directory"
    )

sys.path.insert(0, os.path.join(PROJECT, "workflow", "scripts"))

from semalign.preflight.checks import check
from semalign.config.downloads import files_of
from semalign.preflight.config_files import check_config_files, resolved
from semalign.preflight.root import validate
from semalign.reruns.file_hashes import Contents
from semalign.reporting.exit_summary import (
    Failure,
    Statuses,
    failures_told,
    results_made,
    print_at_exit,
    states,
)
from semalign.reporting.terminal import one_line_a_job
from semalign.runtime.errors import InputError
from semalign.judging.cache import times_asked_again
from semalign.judging.templates import read_template
from semalign.miniature import WORLD_FILES
from semalign.preflight.referenced_paths import (
    is_external,
    paths_within,
    source_keys,
)
from semalign.runtime.processes import name_python_safely
from semalign.report.asset_hashes import asset_hashes
from semalign.runtime.run_lock import check_writable, clear_dead_locks, record_locks
from semalign.reruns.scheduler_patch import patch_planner, patch_scheduler
from semalign.reruns.settings import RuleSettings, external
from semalign.runtime.signals import pass_on_terminations, stop_before_any_job
from semalign.runtime import warm_start
from semalign.runtime.user_functions import LIBRARY, find_function, modules_of

name_python_safely()

# Libraries read these as they are imported, so they are set for all jobs before any starts: nothing is fetched at run
# time, but by downloads, which heed what the user had set; and tokenizers do not compete with the threads that a rule
# has asked for.
os.environ.setdefault("SEMALIGN_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))
os.environ.update(
    {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # a log is no terminal to draw on
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "SEMALIGN_PROCESS": str(os.getpid()),  # jobs end when this process is gone
    }
)

if workflow.is_main_process and workflow.modifier.is_main_snakefile():
    stop_before_any_job()
patch_planner(DAG, snakemake_version, logger)

try:
    check_config_files([*workflow.configfiles, *workflow.overwrite_configfiles])
    update_config(config, resolved(dict(workflow.config_settings.config)))
    CONFIG = validate(config)
    check(CONFIG, Path.cwd())
    USER_REWARDS = {
        name: modules_of(find_function(name, Path.cwd(), key), Path.cwd())
        for key, rewards in CONFIG.rewards().items()
        for name in rewards
        if ":" in name
    }
    METRIC_FILES = {
        entry.function: find_function(entry.function, Path.cwd(), key)
        for key, entry in CONFIG.metric_functions().items()
    }
    USER_METRICS = {
        name: modules_of(file, Path.cwd()) for name, file in METRIC_FILES.items() if not name.startswith(LIBRARY)
    }
    IDENTIFIERS = {
        entry.identify: modules_of(
            find_function(entry.identify, Path.cwd(), f"languages.{name}.identify"),
            Path.cwd(),
        )
        for name, entry in CONFIG.languages.items()
        if ":" in entry.identify
    }
    if workflow.is_main_process:
        os.environ.update({"SEMALIGN_COMMAND": shlex.join(["snakemake", *sys.argv[1:]])})
        check_writable(Path(".snakemake"))
        if "--unlock" not in sys.argv:
            clear_dead_locks(Path(".snakemake"), logger)
        # The judge comes last: what it lacks is better known now than after days of training.
        judge = CONFIG.judge
        for service in judge.services() if judge.kind == "openai" else ():
            if problem := service.missing_key():
                logger.warning(f"{problem}, before its turn comes")
        limit = workflow.global_resources.get("gpu")
        if CONFIG.device == "cuda" and limit and limit.value < CONFIG.processes:
            raise InputError(  # Snakemake would lower a job's demand without a word
                f"config key processes: {CONFIG.processes} need a GPU each, and this run may use {limit.value}; start "
                f"it with --resources gpu={CONFIG.processes}, or a multiple"
            )
except InputError as error:
    raise WorkflowError(str(error)) from None

os.environ.update({"SEMALIGN_MIRROR": os.path.abspath(CONFIG.mirror) if CONFIG.mirror else ""})

# for jobs; no rule's result depends on them
config["checkpoint_seconds"] = CONFIG.checkpoint_seconds
config["gradient_checkpointing"] = CONFIG.gradient_checkpointing
config["audit"] = CONFIG.audit.model_dump(mode="json")
config["exam"]["thresholds"] = CONFIG.exam.thresholds.model_dump(mode="json")
config["rl"]["max_zero_variance_share"] = CONFIG.rl.max_zero_variance_share
config["tracking"] = CONFIG.tracking
if CONFIG.tracking != "none":
    config["tracking_project"] = (
        CONFIG.tracking_project or re.sub("[^A-Za-z0-9]+", "-", Path.cwd().name).strip("-") or "semalign"
    )
    os.environ.setdefault("TRACKIO_DIR", os.path.abspath("results/tracking/trackio"))

# With its defaults, for jobs: how servers are asked, on which no rule's result depends.
config["judge"] = CONFIG.judge.model_dump(mode="json")

ENCODERS = {
    "reward": CONFIG.encoders.reward,
    "independent": CONFIG.encoders.independent,
}
ABLATED = CONFIG.encoder_ablation.encoders if CONFIG.encoder_ablation else {}
ALL_ENCODERS = ENCODERS | ABLATED
PRETRAINING = CONFIG.policy.pretraining if CONFIG.policy.path is None else None
CORPUS = PRETRAINING.corpus if PRETRAINING else []
LANGUAGE_KEYS = ["source_language", "target_language"]
ENVIRONMENT = os.path.join(PROJECT, "envs", "semalign.yaml")
BASE = str(CONFIG.policy.path or "results/base/model")
TOKENIZER = str(CONFIG.policy.path or "results/base/tokenizer")
# The text of the user's chat template, where there is one: what all that ask the policy depend on.
TEMPLATE = (
    {"chat_template": CONFIG.policy.chat_template.read_text(encoding="utf-8")} if CONFIG.policy.chat_template else {}
)
POLICY = CONFIG.policy.model_dump(include={"dtype", "quantization", "attention"}) | {
    "device": CONFIG.device,
    "cuda_graphs": CONFIG.policy.cuda_graphs and CONFIG.device == "cuda",  # else it changes nothing
    **TEMPLATE,
}
READ_FIRST = 10  # the user's files before anything else: what is wrong with them shows at once
GPUS = int(CONFIG.device == "cuda")
PROCESSES = CONFIG.processes  # of SFT and GRPO; all other jobs are one process
STATUSES = Statuses()  # of jobs that end badly
LOGS_BEFORE = {}  # of the jobs to come, as an earlier run left them
CONTENTS = Contents(Path(".snakemake", "semalign.contents.json"))
# A rule's one parameter: settings(script, reads, modules, **values).
settings = RuleSettings(CONTENTS, IDENTIFIERS)


def given(paths):
    """Paths of the config as a rule's inputs.

    What no rule makes is compared by its content, in `settings`, not by its date.
    """
    return [ancient(str(path)) if is_external(Path(path)) else str(path) for path in paths]


def model_resources(minutes, processes=1):
    """What a job claims whose processes each run a model; profiles set more memory and time for larger ones."""
    return {"gpu": GPUS * processes, "mem_mb": 3000 * processes, "runtime": minutes}


def written(table):
    """The files of a table (see tables/writing.py), by the names that its script knows them by."""
    endings = {"csv": "csv", "markdown": "md", "latex": "tex", "sidecar": "json"}
    return {name: f"results/{table}.{ending}" for name, ending in endings.items()}


def files(sources):
    """The files that a list of config sources names, those of the sources within them too."""
    return [path for _, path in paths_within(list(sources))]


BASE_INPUT = given([BASE])[0]


def names_of(outputs):
    """The wildcards of a rule, in the order of its first output."""
    patterns = [str(path) for path in outputs[:1]]
    return list(dict.fromkeys(re.findall(r"{([A-Za-z_]\w*)", "".join(patterns))))


def name_jobs():
    """What Snakemake says of each job as it begins: rule, run and log, without pages of paths."""
    for one in workflow.rules:
        parts = [f"{{wildcards.{name}}}" for name in names_of(one.output)]
        run = "/".join(parts)
        one.message = f"{{rule}} {run}".strip() + (", log: {log}" if one.log else "")


def starts_warm():
    """Whether jobs of this run are forks of one process: many, all here, with this Python and without a GPU."""
    return (
        CONFIG.warm_start
        and CONFIG.device == "cpu"
        and sys.platform == "linux"
        and workflow.local_exec
        and not workflow.touch
        and not workflow.deployment_settings.deployment_method
        and len(list(workflow.dag.needrun_jobs())) >= warm_start.FEWEST_JOBS
    )


def failures():
    """The jobs of this run that ended badly."""
    groups = [getattr(job, "jobs", [job]) for job in workflow.scheduler.failed]
    return [
        Failure(
            f"{job.name} {'/'.join(job.wildcards)}".strip(),
            list(map(str, job.log)),
            STATUSES.found.get(job.jobid),
        )
        for job in chain.from_iterable(groups)
    ]

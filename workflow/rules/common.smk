"""What the rules share: the validated config, and the functions that cut each rule's slice from it."""

import json
import os
import re
import shlex
import sys
from itertools import chain
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, os.path.join(workflow.basedir, "workflow", "scripts"))

from semalign.checks import check
from semalign.code import fingerprint
from semalign.config import validate
from semalign.config.downloads import files_of
from semalign.config.repeated import check_repeated_keys
from semalign.contents import Contents
from semalign.ending import Failure, failures_told, results_made, say_last
from semalign.errors import InputError
from semalign.judging.templates import read_template
from semalign.miniature import WORLD_FILES
from semalign.named_files import is_external, paths_within
from semalign.report.look import fingerprint as fingerprint_of_look
from semalign.signals import pass_on_terminations
from semalign.sources_table import source_keys
from semalign.user_rewards import find_user_reward, modules_of
from semalign.workspace import claim

# Libraries read these as they are imported, so they are set for all jobs before any starts: nothing is fetched at run
# time, but by downloads, which heed what the user had set; and tokenizers do not compete with the threads that a rule has
# asked for.
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

try:
    check_repeated_keys([*workflow.configfiles, *workflow.overwrite_configfiles])
    CONFIG = validate(config)
    check(CONFIG, Path.cwd())
    USER_REWARDS = {
        name: modules_of(find_user_reward(name, Path.cwd(), key), Path.cwd())
        for key, rewards in CONFIG.rewards().items()
        for name in rewards
        if ":" in name
    }
    # A killed Snakemake leaves its lock behind: where no other one runs here, it is cleared.
    if workflow.is_main_process:
        os.environ.update(
            {"SEMALIGN_COMMAND": shlex.join(["snakemake", *sys.argv[1:]])}
        )
        pass_on_terminations()
        LOCK = claim(Path(".snakemake"))
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

os.environ.update(
    {"SEMALIGN_MIRROR": os.path.abspath(CONFIG.mirror) if CONFIG.mirror else ""}
)

# for jobs; no rule's result depends on them
config["checkpoint_seconds"] = CONFIG.checkpoint_seconds
config["gradient_checkpointing"] = CONFIG.gradient_checkpointing

# With its defaults, for jobs: how servers are asked, on which no rule's result depends.
config["judge"] = CONFIG.judge.model_dump(mode="json")

ENCODERS = {
    "reward": CONFIG.encoders.reward,
    "independent": CONFIG.encoders.independent,
}
PRETRAINING = CONFIG.policy.pretraining if CONFIG.policy.path is None else None
CORPUS = PRETRAINING.corpus if PRETRAINING else []
LANGUAGE_KEYS = ["source_language", "target_language"]
JUDGED = CONFIG.judge.kind != "none"
ENVIRONMENT = os.path.join(workflow.basedir, "envs", "semalign.yaml")
BASE = str(CONFIG.policy.path or "results/base/model")
TOKENIZER = str(CONFIG.policy.path or "results/base/tokenizer")
POLICY = {"dtype": CONFIG.policy.dtype, "device": CONFIG.device}
READ_FIRST = (
    10  # the user's files before anything else: what is wrong with them shows at once
)
GPUS = int(CONFIG.device == "cuda")
PROCESSES = CONFIG.processes  # of SFT and GRPO; all other jobs are one process
CONTENTS = Contents(Path(".snakemake", "semalign.contents.json"))


def external(paths):
    """Those of the paths that no rule makes."""
    return sorted({str(path) for path in paths if is_external(Path(path))})


def given(paths):
    """Paths of the config as a rule's inputs. What no rule makes is compared by its content, in `settings`, not by its date."""
    return [
        ancient(str(path)) if is_external(Path(path)) else str(path) for path in paths
    ]


def settings(script, reads=(), modules=(), **values):
    """A rule's one parameter: the values its result depends on and the code that its script uses.

    One plain dict with sorted keys, since Snakemake compares parameters as a set of values and drops their names.
    `reads`: paths of the config among the inputs; the content of those that no rule makes is a value too. `modules`:
    those that the script imports by a name among the values.
    """
    contents = {path: CONTENTS.hash(Path(path)) for path in external(reads)}
    values |= {"contents": contents} if contents else {}
    plain = {
        key: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for key, value in values.items()
    }
    return json.loads(
        json.dumps(
            plain | {"code": fingerprint(script, *modules)}, sort_keys=True, default=str
        )
    )


def files(sources):
    """The files that a list of config sources names, those of the sources within them too."""
    return [path for _, path in paths_within(list(sources))]


def lexicon(tokenizer):
    """The word file of a tokenizer made on the spot, in a list."""
    return [tokenizer.lexicon] if tokenizer and tokenizer.lexicon else []


FILES_FETCHED = {
    name: files_of(entry)
    for name, entry in CONFIG.downloads.items()
    if files_of(entry) is not None
}
MODELS_FETCHED = sorted(set(CONFIG.downloads) - set(FILES_FETCHED))
SOURCE_KEYS = source_keys(CONFIG)
FETCHED_AND_READ = [
    path for path in SOURCE_KEYS if path.startswith("results/downloads/")
]
SOURCE_RECORDS = [
    path.replace("results/downloads/", "results/sources/") + ".json"
    for path in FETCHED_AND_READ
]


def download_settings(name, file=None):
    """What a fetched file depends on, or a fetched model."""
    entry = CONFIG.downloads[name].model_dump(mode="json", exclude={"licence", "about"})
    if file is None:
        return {"name": name, "download": entry | {"licence": ""}}
    entry["sha256"] = {
        key: value for key, value in entry["sha256"].items() if key == file
    }
    for key in {"files", "urls"} & set(entry):
        part = entry[key]
        entry[key] = {file: part[file]} if isinstance(part, dict) else [file]
    return {"name": name, "file": file, "download": entry | {"licence": ""}}


BASE_INPUT = given([BASE])[0]

# What is read late, after much has been computed; the user's own of it is read through beforehand.
READ_LATE = {
    "encoders.reward.train": CONFIG.encoders.reward.train,
    "encoders.independent.train": CONFIG.encoders.independent.train,
    "exam.pairs": CONFIG.exam.pairs,
    "exam.probes": CONFIG.exam.probes,
}
OWN_READ_LATE = {
    key: [source for source in sources if external(files([source]))]
    for key, sources in READ_LATE.items()
}


def language_settings(name, script=False, bleu_tokens=False):
    """Those of a language's settings that count; the others are blank, and an error where they are used after all."""
    entry = CONFIG.languages[name].model_dump(mode="json")
    of_script = {
        key: entry[key] for key in ["script", "excluded_scripts", "latin_share"]
    }
    blank = {"script": "", "excluded_scripts": [], "latin_share": 0, "bleu_tokens": ""}
    return (
        blank
        | (of_script if script else {})
        | ({"bleu_tokens": entry["bleu_tokens"]} if bleu_tokens else {})
    )


def pair_files(task):
    """The files of a task's pairs."""
    return files(CONFIG.tasks[task].train + CONFIG.tasks[task].test)


def pair_settings(task):
    """What preparing a task's pairs depends on."""
    entry = CONFIG.tasks[task].model_dump(mode="json")
    languages = {
        name: language_settings(entry[name], script=True) for name in LANGUAGE_KEYS
    }
    return {"task": task, "train": entry["train"], "test": entry["test"], **languages}


def generation_settings(task):
    """What answering a task's test set depends on."""
    return CONFIG.tasks[task].model_dump(
        mode="json", include={"prompt", "max_new_tokens"}
    )


def score_settings(task):
    """What a task's text scores depend on."""
    entry = CONFIG.tasks[task]
    return {
        "metric": entry.metric,
        "language": CONFIG.languages[entry.target_language].model_dump(mode="json"),
    }


def encoder_files(encoder):
    """What an encoder is made from, beside the tasks' test sets that it must not hold."""
    return [
        *files(encoder.train),
        *([encoder.path] if encoder.path else lexicon(encoder.tokenizer)),
    ]


def encoder_settings(encoder):
    """What an encoder's weights depend on. Rows a forward pass count below a batch alone."""
    rows = min(encoder.mini_batch_size, encoder.batch_size)
    return encoder.model_dump(mode="json") | {"mini_batch_size": rows}


def exam_files(encoder):
    """What an exam is made of: its own pairs and probes, and the training that must not hold them."""
    return [
        *files(CONFIG.exam.pairs),
        *files(CONFIG.exam.probes),
        *files(encoder.train),
    ]


def judge_settings(task):
    """What a task's verdicts depend on."""
    if CONFIG.judge.kind == "openai":
        template = read_template(task, CONFIG.judge.prompts)
        return {"judge": CONFIG.judge.asked(), "prompt": template}
    return {"judge": {"kind": CONFIG.judge.kind}, "prompt": None}


def votes_on(task, seed):
    """People's votes on a run's answers; None where the config has none."""
    votes = (
        CONFIG.judge.human_votes.get(task) if CONFIG.judge.kind == "openai" else None
    )
    return votes if votes and votes.seed == int(seed) else None


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


def failures():
    """The jobs of this run that ended badly."""
    groups = [getattr(job, "jobs", [job]) for job in workflow.scheduler.failed]
    return [
        Failure(
            f"{job.name} {'/'.join(job.wildcards)}".strip(), list(map(str, job.log))
        )
        for job in chain.from_iterable(groups)
    ]


def vote_files(task, seed):
    """Their file, in a list."""
    votes = votes_on(task, seed)
    return [votes.path] if votes else []

"""What the rules share: the validated config, and the functions that cut each rule's slice from it."""

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, os.path.join(workflow.basedir, "workflow", "scripts"))

from semalign.code import fingerprint
from semalign.config import validate
from semalign.errors import InputError
from semalign.miniature import WORLD_FILES
from semalign.user_rewards import find_user_reward

# Libraries read these as they are imported, so they are set for all jobs before any starts: nothing is fetched at run
# time, and tokenizers do not compete with the threads that a rule has asked for.
os.environ.update(
    {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
)

try:
    CONFIG = validate(config)
    USER_REWARDS = {
        name: os.path.relpath(find_user_reward(name, Path.cwd(), key))
        for key, rewards in CONFIG.rewards().items()
        for name in rewards
        if ":" in name
    }
except InputError as error:
    raise WorkflowError(str(error)) from None

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
GPUS = int(CONFIG.device == "cuda")


def settings(script, **values):
    """A rule's one parameter: the values its result depends on and the code that its script uses.

    One plain dict with sorted keys, since Snakemake compares parameters as a set of values and drops their names.
    """
    plain = {
        key: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for key, value in values.items()
    }
    return json.loads(
        json.dumps(plain | {"code": fingerprint(script)}, sort_keys=True, default=str)
    )


def files(sources):
    """The files that a list of config sources names."""
    return [
        str(path) for source in sources for _, path in source if isinstance(path, Path)
    ]


def lexicon(tokenizer):
    """The word file of a tokenizer made on the spot, as a list of inputs."""
    return [str(tokenizer.lexicon)] if tokenizer and tokenizer.lexicon else []


def pair_settings(task):
    """What preparing a task's pairs depends on."""
    entry = CONFIG.tasks[task].model_dump(mode="json")
    languages = {
        name: CONFIG.languages[entry[name]].model_dump(mode="json")
        for name in LANGUAGE_KEYS
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

"""The rerun matrix: every key of the config, changed after a finished run, reruns exactly what depends on it.

The keys come from the config's model and the expected jobs from `read_by.py` and `jobs.py`; a new key without an entry
there fails.
"""

import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from snakemake.utils import update_config

from semalign.preflight.root import Config, validate
from tests.conftest import ROOT, TINY
from tests.workflow.jobs import reruns
from tests.workflow.read_by import READ_BY, SOURCES
from tests.workflow.run import plans

# Keys that add or remove jobs: tested by name in test_reruns_otherwise.py.
CHANGE_THE_JOBS = {"seeds", "judge.kind", "ablation.task", "few_shot.task", "few_shot.source_task", "few_shot.starts"}
CHANGE_THE_JOBS |= {"models", "train"}  # the first adds jobs, in test_given_models.py
CHANGE_THE_JOBS |= {"frontier.sft_pairs", "frontier.rl_steps", "encoder_ablation.task"}
CHANGE_THE_JOBS |= {"tasks.mt.shots", "tasks.hg.shots", "retention.benchmarks.cmrc.shots"}
CHANGE_THE_JOBS |= {
    f"frontier.methods.{name}.{key}" for name in ("dpo", "mbr") for key in ("method", "strengths", "of")
}
# Keys of one possible value, for the format of their files.
FIXED = {"policy.pretraining.corpus.0.kind", "policy.pretraining.corpus.0.task"}
FIXED |= {"retention.benchmarks.cmrc.kind", "policy.chat_template"}  # another kind has other keys; of a given policy
FIXED |= {"rl.generation", "generation_engine"}  # vllm is refused where it is not installed: test_bad_config.py
FIXED |= {"policy.quantization", "policy.attention"}  # so are these, and without a GPU
FIXED |= {f"{training}.padding_free" for training in ("cold_sft", "strong_sft", "few_shot.sft")}  # with flash attention

FIXED |= {"languages.zh.among", "languages.bo.among"}  # so is lingua

# Another value for a key, or other values for keys that must change together, where doubling would not do.
OTHER: dict[str, Any] = {
    r"tasks\.mt\.split\.test": {"tasks.mt.test": [], "tasks.mt.split.test": 5},
    r"tasks\.hg\.split\.test": {"tasks.hg.test": [], "tasks.hg.split.test": 5},
    r"policy\.pretraining\.corpus\.1\.kind": {
        "policy.pretraining.corpus.1.kind": "text",
        "policy.pretraining.corpus.1.task": None,
    },
    r"policy\.pretraining\.corpus\.2\.(kind|task)": {
        "policy.pretraining.corpus.2.kind": "pairs",
        "policy.pretraining.corpus.2.task": "mt",
    },
    r"policy\.pretraining\.tokenizer\.vocab_size": {
        "policy.pretraining.tokenizer.lexicon": None,
        "policy.pretraining.tokenizer.vocab_size": 500,
    },
    r"encoders\.reward\.tokenizer\.vocab_size": {
        "encoders.reward.tokenizer.lexicon": None,
        "encoders.reward.tokenizer.vocab_size": 500,
    },
    r"encoder_ablation\.encoders\.raw\.tokenizer\.vocab_size": {
        "encoder_ablation.encoders.raw.tokenizer.lexicon": None,
        "encoder_ablation.encoders.raw.tokenizer.vocab_size": 500,
    },
    r"encoders\.independent\.tokenizer\.lexicon": {
        "encoders.independent.tokenizer.lexicon": "results/world/lexicon.txt",
        "encoders.independent.tokenizer.vocab_size": None,
    },
    r"rl\.batch_size": {"rl.batch_size": 32, "rl.micro_batch_size": 32},
    r"strong_sft\.batch_size": {"strong_sft.batch_size": 8, "strong_sft.micro_batch_size": 8},
    r"few_shot\.sft\.batch_size": {"few_shot.sft.batch_size": 8, "few_shot.sft.micro_batch_size": 8},
    r"processes": {
        "processes": 2,
        **{f"{key}.micro_batch_size": 4 for key in ("cold_sft", "strong_sft", "rl", "few_shot.sft")},
    },
    r"gradient_checkpointing": True,
    r"tracking": "tensorboard",
    r"tracking_project": "mine",
    r"policy\.cuda_graphs": False,
    r"lora\.target_modules": ["q_proj", "v_proj"],
    r"downloads": {
        "downloads": {"d": {"urls": {"a": "http://localhost/a"}, "sha256": {"a": "0" * 64}, "licence": "MIT"}}
    },
    r"mirror": "models",
    r"licences": {"licences": {"models": "MIT"}},
    r"rl\.snapshot_steps": 1,
    r"rl\.steps_per_generation": 2,
    r"policy\.path": "models/policy",
    r".*encoders\.\w+\.path": "models/encoder",
    r"tasks\.mt\.metrics": ["rouge_l"],
    r"tasks\.hg\.metrics": ["rouge_l", "chrf"],
    r"tasks\.mt\.published": "paper_mt",
    r"tasks\.hg\.published": "paper_hg",
    r"tasks\.\w+\.title": "another title",
    r"languages\.zh\.(identify|code)": {"languages.zh.identify": "own_identifier:sure", "languages.zh.code": "zh"},
    r"languages\.bo\.(identify|code)": {"languages.bo.identify": "own_identifier:sure", "languages.bo.code": "bo"},
    r"languages\.\w+\.threshold": 0.75,
    r"languages\.bo\.script": "Han",
    r"languages\.zh\.script": "Tibetan",
    r"languages\.\w+\.excluded_scripts": ["Greek"],
    r"languages\.\w+\.bleu_tokens": "char",
    r"policy\.pretraining\.corpus\.2\.source\.path": "results/world/translations.jsonl",
    r".*\.path": "results/world/text.jsonl",
    r".*\.lexicon": "results/world/text.jsonl",
    r"(retention\.benchmarks\.cmrc\.test\.0|policy\.pretraining\.corpus\.0\.source)\.format": "cmrc2018",
    r".*\.format": "tsv",
    r"policy\.pretraining\.corpus\.2\.source\.exclude_ids_from": {
        "policy.pretraining.corpus.2.kind": "pairs",
        "policy.pretraining.corpus.2.task": "mt",
        "policy.pretraining.corpus.2.source.exclude_ids_from": [
            {"format": "jsonl", "path": "results/world/text.jsonl"}
        ],
    },
    r"policy\.pretraining\.corpus\.2\.source\.repeated_ids": {
        "policy.pretraining.corpus.2.kind": "pairs",
        "policy.pretraining.corpus.2.task": "mt",
        "policy.pretraining.corpus.2.source.repeated_ids": "left_out",
    },
    r".*\.exclude_ids_from": [{"format": "jsonl", "path": "results/world/text.jsonl"}],
    r".*\.columns": {"source": "other"},
    r".*\.quoting": "none",
    r".*\.limit": 5,
    r"audit\.training\.stop": True,
    r".*\.stop": ["书"],
    r"search": {"search": {"rate": {"of": "rl", "task": "mt", "grid": {"learning_rate": [1.0e-3]}}}},
    r"retention\.primary": None,
    r"retention\.benchmarks\.cmrc\.rules": "squad",
    r"retention\.benchmarks\.cmrc\.no_answer": {
        "retention.benchmarks.cmrc.rules": "squad",
        "retention.benchmarks.cmrc.no_answer": "none",
    },
    r".*\.sha256": "0" * 64,
    r".*\.micro_batch_size": 8,
    r".*(top_p|confidence|max_zero_variance_share|dropout|latin_share|quantile|exam\.thresholds\..*)": 0.75,
    r"world\.(house_style|left_out|mixed_share)": 0.75,
    r".*\.beta": 0.1,
    r"audit\.thresholds\.(entropy|group_diversity)\.warning": 0.5,
    r"audit\.thresholds\.(entropy|group_diversity)\.collapsed": 0.01,
    r"audit\.thresholds\.length\.warning": 1.25,
    r"audit\.thresholds\.length\.collapsed": 4.0,
    r"audit\.thresholds\.\w+\.warning": 0.05,
    r"audit\.thresholds\.\w+\.collapsed": 0.75,
    r"retention\.benchmarks\.cmrc\.prompt": "{question} {context}",
    r"tasks\..*\.prompt": "译：{source}",
}
CHOICES = (
    "error left_out",
    "cpu cuda",
    "mt hg",
    "cosine linear",
    "float32 bfloat16",
    "dapo grpo",
    "xlm-roberta bert",
)
SIBLINGS = dict(pair.split() for pair in (*CHOICES, "zh bo", "retention judge_net"))
SIBLINGS |= {two: one for one, two in SIBLINGS.items()}


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything in a validated config that has no keys of its own."""
    if isinstance(value, BaseModel):
        items: Any = list(value)
    elif isinstance(value, dict) and value:
        items = list(value.items())
    elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
        items = list(enumerate(value))
    else:
        yield key, value
        return
    for name, inner in items:
        yield from leaves(inner, f"{key}.{name}" if key else str(name))


def resolved() -> dict[str, Any]:
    """The tiny config over the default one, with every default of the model."""
    raw = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    update_config(raw, yaml.safe_load(TINY.read_text()))
    return validate(raw).model_dump(mode="json")


CONFIG = resolved()
LEAVES = dict(leaves(Config.model_validate(CONFIG)))
KEYS = [key for key in LEAVES if key not in CHANGE_THE_JOBS | FIXED]


def other(key: str, value: Any) -> dict[str, Any]:
    """{key: another value} for one key, and for those that must change with it."""
    for pattern, changed in OTHER.items():
        if re.fullmatch(pattern, key):
            together = isinstance(changed, dict) and key in changed
            return changed if together else {key: changed}
    if isinstance(value, str):
        return {key: SIBLINGS[value]}
    return {key: 2 * value if value else type(value)(1)}


def overlay(changes: dict[str, Any]) -> dict[str, Any]:
    """An overlay of these changes; Snakemake replaces lists, so one with a change in it is given whole."""
    result: dict[str, Any] = {}
    for key, value in changes.items():
        names = key.split(".")
        before, after = CONFIG, result
        for name, following in pairwise(names):
            index: Any = int(name) if isinstance(before, list) else name
            before = before[index]
            if isinstance(after, dict):
                after = after.setdefault(index, deepcopy(before) if isinstance(before, list) else {})
            else:
                after = after[index]
            assert following
        after[int(names[-1]) if isinstance(after, list) else names[-1]] = value
    return result


def documented() -> Iterator[str]:
    """The keys that docs/reruns.md names, as patterns: `.x` stands beside the key before it, `<x>` for a name."""
    for line in (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            named = ""
            for short in re.findall(r"`([^`]+)`", line.split("|")[1]):
                named = named.rpartition(".")[0] + short if short.startswith(".") else short
                pattern = re.sub(r"<\w+>", r"\\w+", named.replace(".", r"\.").replace("*", ".*"))
                yield rf"{pattern}(\..*)?"


def test_every_key_is_in_the_documentation() -> None:
    patterns = list(documented())
    keys = {re.sub(r"\.\d+\b", "", key) for key in LEAVES}  # without the numbers of lists' entries
    missing = [key for key in sorted(keys) if not any(re.fullmatch(pattern, key) for pattern in patterns)]
    assert not missing, "say in docs/reruns.md what reruns"


@pytest.fixture(scope="module")
def planned(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Jobs by rule of a dry run of the finished miniature, for each key changed; "" for none."""
    folder = tmp_path_factory.mktemp("overlays")
    finished = shutil.copytree(untouched, folder / "finished")
    for name, made in (("policy", "base/model"), ("encoder", "encoders/reward/model")):
        shutil.copytree(finished / "results" / made, finished / "models" / name)
    (finished / "own_identifier.py").write_text("def sure(text, code):\n    return 1.0\n")
    overlays = [[TINY]]
    for key in KEYS:
        file = folder / f"{key}.yaml"
        file.write_text(yaml.safe_dump(overlay(other(key, LEAVES[key])), allow_unicode=True))
        overlays.append([TINY, file])
    return dict(zip(["", *KEYS], plans(finished, overlays), strict=True))


def test_nothing_changed_reruns_nothing(planned: dict[str, dict[str, Any]]) -> None:
    assert planned[""] == {}


@pytest.mark.parametrize("key", KEYS)
def test_a_changed_key_reruns_exactly_what_reads_it(key: str, planned: dict[str, dict[str, Any]]) -> None:
    matches = [(match, read) for pattern, read in READ_BY.items() if (match := re.fullmatch(pattern, key))]
    assert len(matches) == 1, f"{key}: say in READ_BY which jobs read it"
    match, read = matches[0]
    jobs = planned[key]
    assert "error" not in jobs, jobs["error"]
    sources = ["list_sources"] if re.fullmatch(SOURCES, key) else []
    expected = reruns(*[pattern.format(**match.groupdict()) for pattern in read], *sources)
    if re.fullmatch(r"tasks\.\w+\.(source|target)_language", key):
        expected["tabulate_paper"] -= 1  # the task moves to the other of tables 1 and 2, and leaves its own without one
    if re.fullmatch(r".*encoders\.\w+\.path", key):  # an encoder that is there already is tried first
        expected["check_encoders"] = expected["check_amounts"] = 1
    if key == "policy.path":  # what makes a base is no part of the workflow then
        assert not jobs.keys() & {"prepare_corpus", "train_tokenizer", "train_base"}
        expected["check_policy"] = 1
    assert {rule: count for rule, count in jobs.items() if rule != "all"} == expected

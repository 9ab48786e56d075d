"""Bad configs, models and places: each is named with its key and the remedy by what the Snakefile asks before anything.

tests/workflow/test_bad_config.py asks the same on the command line, with a case of each kind of check.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from semalign.preflight.checks import check
from semalign.runtime.errors import InputError
from tests.unit.policies import rewritten
from tests.unit.shipped import validated

LLM = {
    "kind": "openai",
    "model": "m",
    "prices": {"input": 1.0, "output": 1.0},
    "ceiling": 1.0,
    "parameters": {"max_tokens": 9},
}


def mt_from(path: str) -> dict[str, Any]:
    return {"tasks": {"mt": {"train": [{"format": "jsonl", "path": path}]}}}


def fetched(files: list[str]) -> dict[str, Any]:
    return {"downloads": {"d": {"urls": dict.fromkeys(files, "http://localhost/a"), "licence": "MIT"}}}


# Paths of a source, and what is said of them.
PATHS = {
    "data/{lang}.jsonl": "data/{lang}.jsonl: to Snakemake {…} and <…> are wildcards; rename it",
    "data/<lang>.jsonl": "data/<lang>.jsonl: to Snakemake {…} and <…> are wildcards; rename it",
    "data/a\nb.jsonl": r"'data/a\nb.jsonl' has a line break or another control character in it; rename it",
    "~/a.jsonl": "~/a.jsonl does not exist",
    "$HOME/a.jsonl": "$HOME/a.jsonl does not exist",
    "data/*.jsonl": "data/*.jsonl does not exist",
    "s3://bucket/a.jsonl": "s3:/bucket/a.jsonl is an address; a file of this machine is needed",
    "/dev/null": "/dev/null is no regular file",
    "": ". is a folder; a file is needed",
    "a" * 300: f"{'a' * 300} cannot be looked for (File name too long)",
    ".snakemake/log/a": ".snakemake/log/a is Snakemake's own",
    "x/../results/world/mt_train.jsonl": "x/../results/world/mt_train.jsonl is a result of this workflow; write it as results/world/mt_train.jsonl",
    "results/world/absent.jsonl": "results/world/absent.jsonl is not among the world's files: questions.json",
}  # fmt: skip
# A config key, a result that it may not name, and the overlay that does.
CORPUS = {"kind": "text", "source": {"format": "jsonl", "path": "results/data/mt/cold.jsonl"}}
RESULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("tasks.mt.train.0.path", "results/mt/rl/0/rollouts.jsonl", mt_from("results/mt/rl/0/rollouts.jsonl")),
    ("tasks.mt.train.0.path", "results/data/mt/cold.jsonl", mt_from("results/data/mt/cold.jsonl")),
    ("policy.path", "results/base/model", {"policy": {"path": "results/base/model"}}),
    ("encoders.reward.path", "results/encoders/independent/model", {"encoders": {"reward": {"path": "results/encoders/independent/model"}}}),
    ("policy.pretraining.corpus.0.source.path", "results/data/mt/cold.jsonl", {"policy": {"pretraining": {"corpus": [CORPUS]}}}),
    ("encoders.reward.tokenizer.lexicon", "results/data/files.json", {"encoders": {"reward": {"tokenizer": {"lexicon": "results/data/files.json"}}}}),
]  # fmt: skip

# An overlay, and what must be said.
CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "a shape that cannot be built": ({"encoders": {"reward": {"shape": {"heads": 5}}}}, "config key encoders.reward.shape: hidden_size 96 is no multiple of heads 5; hidden_size: 95 or hidden_size: 100 would do"),
    "a share of another scale": ({"languages": {"bo": {"latin_share": 50}}}, "config key languages.bo.latin_share"),
    "another word than there are": ({"rl": {"loss": "ppo"}}, "config key rl.loss: Input should be 'grpo', 'dapo', 'dr_grpo' or 'bnpo', found 'ppo'"),
    "another device": ({"device": "tpu"}, "config key device: Input should be 'cpu' or 'cuda', found 'tpu'"),
    "an excluded script that is none": ({"languages": {"bo": {"excluded_scripts": ["Han", "Foo"]}}}, "config key languages.bo.excluded_scripts: 'Foo' is not the name"),
    "a tokenizer that is none": ({"languages": {"bo": {"bleu_tokens": "syllables"}}}, "config key languages.bo.bleu_tokens: there is no tokenizer 'syllables'"),
    "no task": ({"tasks": {"mt": None, "hg": None}}, "config key tasks:"),
    "a task without its keys": ({"tasks": {"qa": {}}}, "config key tasks.qa.metrics: missing, and it has no default"),
    "a folder for a file": ({"retention": {"benchmarks": {"cmrc": {"test": [{"format": "squad", "path": "folder"}]}}}}, "config key retention.benchmarks.cmrc.test.0.path: folder is a folder; a file is needed"),
    "a lexicon that is not there": ({"encoders": {"reward": {"tokenizer": {"lexicon": "absent.txt"}}}}, "config key encoders.reward.tokenizer.lexicon: absent.txt does not exist"),
    **{f"a path that is {path!r}": (mt_from(path), f"config key tasks.mt.train.0.path: {said}") for path, said in PATHS.items()},
    **{f"the result {path} for {key}": (change, f"config key {key}: {path} lies in results, which this workflow writes itself") for key, path, change in RESULTS},
    **{f"downloads of {' and '.join(files)}": (fetched(files), "config key downloads: d/a") for files in (["a", "a/b"], ["a", "a.json/b"], ["a", "a.log/b"], ["a", "a.provenance.json"])},
    **{f"a download of {file!r}": (fetched([file]), f"{file!r} {said}") for file, said in {"../a": "is no path inside", "/a": "is no path inside", "{x}.csv": "cannot be a result's name", "<x>": "cannot be a result's name", "x" * 200: "cannot be a result's name", "a\nb": "cannot be a result's name"}.items()},
    "a file that no download makes": (fetched(["a.jsonl"]) | mt_from("results/downloads/d/b.jsonl"), "config key tasks.mt.train.0.path: results/downloads/d/b.jsonl: b.jsonl is not among the files of d: a.jsonl"),
    "a file that is not there, in a list within": (
        {"tasks": {"mt": {"train": [{"format": "captions", "source": "folder", "target": "absent.txt"}]}}},
        "config key tasks.mt.train.0.target: absent.txt does not exist",
    ),
    "a file that is not there, of a table within": (
        {"tasks": {"hg": {"train": [{"format": "csv", "path": "folder", "exclude_ids_from": [{"format": "csv", "path": "absent.csv"}]}]}}},
        "config key tasks.hg.train.0.exclude_ids_from.0.path: absent.csv does not exist",
    ),
    "a judge without a model": ({"judge": {"kind": "openai", "prices": None}}, "config key judge.model: missing, and it has no default"),
    "a judge whose cost nobody said": ({"judge": {"kind": "openai", "model": "m"}}, "config key judge.prices: missing, and it has no default"),
    "prices without a ceiling": ({"judge": LLM | {"ceiling": None}}, "config key judge: prices are given but no ceiling: say in judge.ceiling"),
    "prices without a bound": ({"judge": LLM | {"parameters": {}}}, "config key judge: parameters must hold max_completion_tokens or max_tokens"),
    "a ceiling without prices": ({"judge": LLM | {"prices": None}}, "config key judge: a ceiling needs prices"),
    "no address": ({"judge": LLM | {"base_url": "localhost"}}, "config key judge.base_url: an address like"),
    "the judge as its own second": ({"judge": LLM | {"second": {"model": "m", "prices": None, "parameters": {"max_tokens": 9}}}}, "second: is the judge itself"),
    "a metric's model that is not there": ({"tasks": {"mt": {"metrics": ["bleu", {"name": "cos", "function": "semalign.encoder.metric:cosine", "model": "none"}]}}}, "config key tasks.mt.metrics.1.model: none does not exist"),
    "a judge's prompt of no task": ({"judge": LLM | {"prompts": {"en_sw": "any"}}}, "judge.prompts.en_sw: en_sw is not among tasks: ['mt', 'hg']"),
    "a judge's prompt without a text": ({"judge": LLM | {"prompts": {"mt": "prompt.txt"}}}, "prompt.txt (judge.prompts.mt): {second} is missing"),
    "votes that are not there": ({"judge": LLM | {"human_votes": {"mt": {"format": "csv", "path": "v.csv"}}}}, "config key judge.human_votes.mt.path: v.csv does not exist"),
    "votes on no run": ({"judge": LLM | {"human_votes": {"mt": {"format": "csv", "path": "v.csv", "seed": 7}}}}, "judge.human_votes.mt.seed: 7 is not among seeds"),
    "a file of a world that is not there": ({"world": None, "judge": {"kind": "none"}}, "config key encoder_ablation.encoders.monolingual.train.0.path: results/world/encoder_paraphrases.jsonl is a file of the generated world, and world is null"),
    "a reward that is none": ({"rl": {"rewards": {"similarty": 1.0}}}, "'similarty' is neither one of similarity, language, bleu, length, repetition nor"),
    "no reward": ({"rl": {"rewards": {"similarity": None, "language": 0.0}}}, "no reward has a weight: nothing would be learnt"),
    "a snapshot that is not kept": ({"frontier": {"rl_steps": [75]}}, "frontier.rl_steps: 75 is no multiple of rl.snapshot_steps (50)"),
    "a snapshot after the end": ({"frontier": {"rl_steps": [200]}}, "frontier.rl_steps: step 200 must come before the last, for which RL needs 1608 prompts, mt has 1600 for RL"),
    "more pairs than there are": ({"frontier": {"sft_pairs": [9999]}}, "frontier.sft_pairs: 9999 pairs are asked for"),
    "more shots than there are": ({"few_shot": {"pairs": 9999}}, "few_shot.pairs: 9999 pairs are asked for, cold start and RL of hg have 3000"),
    "transfer to itself": ({"few_shot": {"task": "mt"}}, "config key few_shot: task and source_task must differ"),
    "transfer from a task that is taken out": ({"tasks": {"mt": None}, "statistics": {"primary": []}}, "mt is not among tasks: ['hg']"),
    "a variant's name": ({"ablation": {"variants": {"BLEU": {"rewards": {"bleu": 1.0}}}}}, "small letters, digits and _"),
    "a hash that is none": ({"forgetting": {"sha256": "abc"}}, "config key forgetting.sha256"),
    "4 bits without bitsandbytes": ({"device": "cuda", "policy": {"quantization": "nf4", "dtype": "bfloat16", "cuda_graphs": False}}, "config key policy.quantization: bitsandbytes is not installed here; install it with python -m pip install -r envs/requirements-nf4.txt, or set it to null"),
    "flash attention that is not installed": ({"device": "cuda", "policy": {"attention": "flash_attention_2", "dtype": "bfloat16", "cuda_graphs": False}}, "config key policy.attention: flash_attn is not installed here; install it with python -m pip install --no-build-isolation -r envs/requirements-flash.txt, or set it to sdpa"),
    "a tracker that is none": ({"tracking": "mlflow"}, "config key tracking: "),
    "a project that is no name": ({"tracking_project": "my/project"}, "config key tracking_project: "),
    "a negative number of seconds": ({"checkpoint_seconds": -1}, "config key checkpoint_seconds:"),
}  # fmt: skip


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def cut_off(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 5000)


def one_shard_short(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def no_chat(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


# What is done to a good policy's folder, and what must be said of it.
MODELS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder": (shutil.rmtree, "config key policy.path: policy does not exist (looked for in"),
    "a file": (a_file, "policy is a file; the folder of a pretrained model is needed"),
    "no config": (without("config.json"), "config key policy.path: policy holds no config.json"),
    "a broken config": (lambda folder: (folder / "config.json").write_text("{"), "config.json is no model's config: policy/config.json:1: broken JSON"),
    "an encoder": (lambda folder: rewritten(folder, "config.json", architectures=["BertModel"]), "policy is no causal language model: its architecture is BertModel"),
    "pickled weights": (pickled, "safetensors weights are needed, found only pytorch_model.bin, and pickled weights can run code"),
    "no weights": (without("model.safetensors"), "safetensors weights are needed, found none"),
    "weights cut off": (cut_off, "model.safetensors: damaged or cut off (5000 bytes); download the model again"),
    "a shard missing": (one_shard_short, "model-2.safetensors of model.safetensors.index.json missing"),
    "no tokenizer": (without("tokenizer.json", "tokenizer_config.json"), "policy holds no tokenizer (tokenizer.json)"),
    "no chat template": (no_chat, "policy: the tokenizer has no chat template; take an instruction-tuned model"),
}  # fmt: skip
AS_ENCODER = {"weights cut off", "pickled weights", "no config"}


def said(overlay: dict[str, Any]) -> str:
    """What is said of the shipped config with this laid over it, in the working folder."""
    with pytest.raises(InputError) as caught:
        check(validated(overlay), Path.cwd())
    return str(caught.value)


@pytest.mark.parametrize("case", CONFIGS)
def test_a_bad_config(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "prompt.txt").write_text("{source} {first} [[0]] [[1]] [[2]]")
    monkeypatch.chdir(tmp_path)
    overlay, message = CONFIGS[case]
    assert message in said(overlay)


@pytest.mark.parametrize("case", MODELS)
def test_a_policy_that_cannot_be_used(
    case: str, tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, message = MODELS[case]
    shutil.copytree(tiny_policy, tmp_path / "policy")
    change(tmp_path / "policy")
    monkeypatch.chdir(tmp_path)
    assert message in said({"policy": {"path": "policy"}})
    if case in AS_ENCODER:
        as_encoder = message.replace("policy.path", "encoders.reward.path")
        assert as_encoder in said({"encoders": {"reward": {"path": "policy"}}})

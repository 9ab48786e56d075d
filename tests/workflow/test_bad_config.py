"""Bad configs, models and places: one message with the key and the remedy before anything runs, and no traceback."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.workflow.run import plans, snakemake

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

# An overlay, as a mapping or as YAML, and what must be said.
CONFIGS: dict[str, tuple[dict[str, Any] | str, str]] = {
    "an unknown key": ({"seds": [0]}, "config key seds: unknown key; did you mean seeds?"),
    "an unknown key within": ({"rl": {"learning_rat": 1.0}}, "config key rl.learning_rat: unknown key; did you mean learning_rate?"),
    "a key of another part": ({"cold_sft": {"beta": 0.1}}, "config key cold_sft.beta: unknown key"),
    "a key twice": ("rl: {epochs: 1}\nseeds: [0]\nrl: {epochs: 2}\n", ".yaml:3: config key rl was already at line 1"),
    "a key twice within": ("rl:\n  epochs: 1\n  beta: 0.1\n  epochs: 2\n", ".yaml:4: config key rl.epochs was already at line 2"),
    "an alias without end": ("seeds: &all [0, *all]\n", ".yaml:1: config key seeds.1 is an alias (*name) of what it stands in"),
    "a key that YAML takes for a number": ("rl:\n  1: 2\n", ".yaml:2: config key rl.1 is no text to YAML (int); write it in quotes"),
    "a shape that cannot be built": ({"encoders": {"reward": {"shape": {"heads": 5}}}}, "config key encoders.reward.shape: hidden_size 96 is no multiple of heads 5; hidden_size: 95 or hidden_size: 100 would do"),
    "text for a number": ({"rl": {"epochs": "one"}}, "config key rl.epochs:"),
    "an exponent without a point": ({"rl": {"learning_rate": "1e-3"}}, "config key rl.learning_rate: '1e-3' is text to YAML: write an exponent with"),
    "a fraction for a whole number": ({"rl": {"batch_size": 64.5}}, "config key rl.batch_size:"),
    "yes for a number": ({"lora": {"rank": True}}, "config key lora.rank:"),
    "a list for keys": ({"rl": [1, 2]}, "config key rl: keys and values are needed here, found [1, 2]"),
    "nothing for keys": ({"rl": None}, "config key rl: keys and values are needed here, found None"),
    "a word for keys": ({"tasks": {"mt": {"split": "random"}}}, "config key tasks.mt.split: keys and values are needed here, found 'random'"),
    "one seed without a list": ({"seeds": 1}, "config key seeds: Input should be a valid list, found 1"),
    "no seeds": ({"seeds": []}, "config key seeds: List should have at least 1 item"),
    "a negative seed": ({"seeds": [-1]}, "config key seeds.0: Input should be greater than or equal to 0"),
    "a negative rate": ({"cold_sft": {"learning_rate": -0.001}}, "config key cold_sft.learning_rate: Input should be greater than 0"),
    "a rate that is no number": ("rl: {learning_rate: .nan}\n", "config key rl.learning_rate:"),
    "no epochs": ({"strong_sft": {"epochs": 0}}, "config key strong_sft.epochs: Input should be greater than 0"),
    "a share above one": ({"rl": {"warmup_ratio": 5}}, "config key rl.warmup_ratio: Input should be less than 1"),
    "a share of another scale": ({"languages": {"bo": {"latin_share": 50}}}, "config key languages.bo.latin_share"),
    "another word than there are": ({"rl": {"loss": "ppo"}}, "config key rl.loss: Input should be 'grpo', 'dapo', 'dr_grpo' or 'bnpo', found 'ppo'"),
    "another device": ({"device": "tpu"}, "config key device: Input should be 'cpu' or 'cuda', found 'tpu'"),
    "a batch that does not divide": ({"cold_sft": {"micro_batch_size": 5}}, "config key cold_sft: micro_batch_size must divide batch_size"),
    "groups that do not divide": ({"rl": {"num_generations": 7}}, "config key rl: num_generations must divide batch_size"),
    "a prompt without its text": ({"tasks": {"mt": {"prompt": "x"}}}, "config key tasks.mt.prompt: {source} is missing"),
    "a language that is not there": ({"tasks": {"mt": {"target_language": "ug"}}}, "tasks.mt: language 'ug' is not among languages: ['zh', 'bo']"),
    "a script that is none": ({"languages": {"bo": {"script": "Klingonish"}}}, "config key languages.bo.script: 'Klingonish' is not the name of a Unicode script"),
    "an excluded script that is none": ({"languages": {"bo": {"excluded_scripts": ["Han", "Foo"]}}}, "config key languages.bo.excluded_scripts: 'Foo' is not the name"),
    "a tokenizer that is none": ({"languages": {"bo": {"bleu_tokens": "syllables"}}}, "config key languages.bo.bleu_tokens: there is no tokenizer 'syllables'"),
    "no task": ({"tasks": {"mt": None, "hg": None}}, "config key tasks:"),
    "a task without its keys": ({"tasks": {"qa": {}}}, "config key tasks.qa.metrics: missing, and it has no default"),
    "a test set and a size of one": ({"tasks": {"mt": {"split": {"test": 5}}}}, "config key tasks.mt: give either `test` (sources) or `split.test`"),
    "a format that is none": ({"tasks": {"mt": {"train": [{"format": "xlsx", "path": "a"}]}}}, "config key tasks.mt.train.0: format: 'xlsx' is not one of"),
    "no format": ({"tasks": {"mt": {"train": [{"path": "a"}]}}}, "config key tasks.mt.train.0: `format` is missing"),
    "a file that is not there": ({"tasks": {"mt": {"train": [{"format": "jsonl", "path": "absent.jsonl"}]}}}, "config key tasks.mt.train.0.path: absent.jsonl does not exist (looked for in"),
    "a folder for a file": ({"retention": {"benchmarks": {"cmrc": {"test": [{"format": "squad", "path": "folder"}]}}}}, "config key retention.benchmarks.cmrc.test.0.path: folder is a folder; a file is needed"),
    "a lexicon that is not there": ({"encoders": {"reward": {"tokenizer": {"lexicon": "absent.txt"}}}}, "config key encoders.reward.tokenizer.lexicon: absent.txt does not exist"),
    "a lexicon and a size": ({"encoders": {"reward": {"tokenizer": {"vocab_size": 500}}}}, "config key encoders.reward.tokenizer: give either lexicon or vocab_size"),
    "an encoder of nothing": ({"encoders": {"independent": {"shape": None}}}, "config key encoders.independent: give path, or shape and tokenizer"),
    "a policy of nothing": ({"policy": {"pretraining": None}}, "config key policy: give path or pretraining"),
    "a corpus of the wrong kind": (
        {"policy": {"pretraining": {"corpus": [{"kind": "questions", "source": {"format": "lines", "path": "a"}}]}}},
        "config key policy.pretraining.corpus.0: kind: questions needs a source of format squad, cmrc2018, jsonl, json or parquet, not lines",
    ),
    "questions in a table that cannot hold their answers": ({"retention": {"benchmarks": {"cmrc": {"test": [{"format": "csv", "path": "a"}]}}}}, "config key retention.benchmarks.cmrc.test.0: csv cannot hold a question's list of answers; use"),
    **{f"a path that is {path!r}": (mt_from(path), f"config key tasks.mt.train.0.path: {said}") for path, said in PATHS.items()},
    **{f"the result {path} for {key}": (change, f"config key {key}: {path} lies in results, which this workflow writes itself") for key, path, change in RESULTS},
    **{f"downloads of {' and '.join(files)}": (fetched(files), "config key downloads: d/a") for files in (["a", "a/b"], ["a", "a.json/b"], ["a", "a.log/b"], ["a", "a.provenance.json"])},
    **{f"a download of {file!r}": (fetched([file]), f"{file!r} {said}") for file, said in {"../a": "is no path inside", "/a": "is no path inside", "{x}.csv": "cannot be a result's name", "<x>": "cannot be a result's name", "x" * 200: "cannot be a result's name", "a\nb": "cannot be a result's name"}.items()},
    "a file that is not there, in a list within": (
        {"tasks": {"mt": {"train": [{"format": "captions", "source": "folder", "target": "absent.txt"}]}}},
        "config key tasks.mt.train.0.target: absent.txt does not exist",
    ),
    "a file that is not there, of a table within": (
        {"tasks": {"hg": {"train": [{"format": "csv", "path": "folder", "exclude_ids_from": [{"format": "csv", "path": "absent.csv"}]}]}}},
        "config key tasks.hg.train.0.exclude_ids_from.0.path: absent.csv does not exist",
    ),
    "a judge of no kind": ({"judge": {"kind": "gpt"}}, "config key judge: kind: 'gpt' is not one of 'parser', 'none', 'openai'"),
    "a judge without a model": ({"judge": {"kind": "openai", "prices": None}}, "config key judge.model: missing, and it has no default"),
    "a judge whose cost nobody said": ({"judge": {"kind": "openai", "model": "m"}}, "config key judge.prices: missing, and it has no default"),
    "prices without a ceiling": ({"judge": LLM | {"ceiling": None}}, "config key judge: prices are given but no ceiling: say in judge.ceiling"),
    "prices without a bound": ({"judge": LLM | {"parameters": {}}}, "config key judge: parameters must hold max_completion_tokens or max_tokens"),
    "a ceiling without prices": ({"judge": LLM | {"prices": None}}, "config key judge: a ceiling needs prices"),
    "a key in the config": ({"judge": LLM | {"api_key_env": "sk-a1b2c3"}}, "config key judge.api_key_env: the NAME of an environment variable, in capitals"),
    "a key among the parameters": ({"judge": LLM | {"parameters": {"max_tokens": 9, "api_key": "sk-a1b2c3"}}}, "api_key looks like a secret"),
    "a password in an address": ({"judge": LLM | {"base_url": "https://me:sk-a1b2c3@example.org/v1"}}, "config key judge.base_url: holds a name, password, key or query"),
    "no address": ({"judge": LLM | {"base_url": "localhost"}}, "config key judge.base_url: an address like"),
    "the judge as its own second": ({"judge": LLM | {"second": {"model": "m", "prices": None, "parameters": {"max_tokens": 9}}}}, "second: is the judge itself"),
    "an old key": ({"tasks": {"mt": {"metric": "bleu"}}}, "config key tasks.mt: metric: is now `metrics`, a list; write metrics: [bleu]"),
    "a metric that is not there": ({"tasks": {"mt": {"metrics": ["own:exact"]}}}, "config key tasks.mt.metrics.0: no module own in"),
    "a metric of the project that is not there": ({"tasks": {"mt": {"metrics": ["semalign.metrics.comet:bleurt"]}}}, "defines no bleurt; it defines"),
    "a metric's model that is not there": ({"tasks": {"mt": {"metrics": ["bleu", {"name": "cos", "function": "semalign.encoder.metric:cosine", "model": "none"}]}}}, "config key tasks.mt.metrics.1.model: none does not exist"),
    "a task that is a folder of the results": ({"tasks": {"figures": {}}}, "config key tasks.figures: figures is a folder of the results already"),
    "a judge's prompt of no task": ({"judge": LLM | {"prompts": {"en_sw": "any"}}}, "judge.prompts.en_sw: en_sw is not among tasks: ['mt', 'hg']"),
    "an identifier that is not there": ({"languages": {"bo": {"identify": "own:sure", "code": "bo"}}}, "config key languages.bo.identify: no module own in"),
    "an identifier without a code": ({"languages": {"bo": {"identify": "lingua"}}}, "config key languages.bo: code: is given with identify: lingua or module:function"),
    "figures of other languages": ({"tasks": {"hg": {"published": "paper_mt"}}}, "tasks.hg.published: paper_mt is from Han to Tibetan script"),
    "a prompt that is not there": ({"judge": LLM | {"prompts": {"mt": "mine.txt"}}}, "config key judge.prompts.mt: mine.txt does not exist"),
    "votes that are not there": ({"judge": LLM | {"human_votes": {"mt": {"format": "csv", "path": "v.csv"}}}}, "config key judge.human_votes.mt.path: v.csv does not exist"),
    "votes on no run": ({"judge": LLM | {"human_votes": {"mt": {"format": "csv", "path": "v.csv", "seed": 7}}}}, "judge.human_votes.mt.seed: 7 is not among seeds"),
    "the parser without its world": ({"world": None}, "judge.kind: parser reads the miniature's language and needs `world`"),
    "a file of a world that is not there": ({"world": None, "judge": {"kind": "none"}}, "config key encoder_ablation.encoders.monolingual.train.0.path: results/world/encoder_paraphrases.jsonl is a file of the generated world, and world is null"),
    "an encoder's name": ({"encoder_ablation": {"encoders": {"Raw": {}}}}, "config key encoder_ablation: encoders: 'Raw' must be made of small letters, digits and _"),
    "other encoders for a reward that asks none": ({"rl": {"rewards": {"similarity": None}}}, "encoder_ablation: rl.rewards gives similarity no weight, so no encoder would matter; set encoder_ablation: null"),
    "a reward that is none": ({"rl": {"rewards": {"similarty": 1.0}}}, "'similarty' is neither one of similarity, language, bleu, length, repetition nor"),
    "a reward of nobody's": ({"rl": {"rewards": {"rewards_of_mine:short": 1.0}}}, "config key rl.rewards: no module rewards_of_mine"),
    "no reward": ({"rl": {"rewards": {"similarity": None, "language": 0.0}}}, "no reward has a weight: nothing would be learnt"),
    "a snapshot that is not kept": ({"frontier": {"rl_steps": [75]}}, "frontier.rl_steps: 75 is no multiple of rl.snapshot_steps (50)"),
    "a snapshot after the end": ({"frontier": {"rl_steps": [200]}}, "frontier.rl_steps: step 200 must come before the last, for which RL needs 1608 prompts, mt has 1600 for RL"),
    "more pairs than there are": ({"frontier": {"sft_pairs": [9999]}}, "frontier.sft_pairs: 9999 pairs are asked for"),
    "a method that is none": ({"frontier": {"methods": {"mine": {"method": "ppo"}}}}, "config key frontier.methods.mine: method: 'ppo' is not one of 'best_of_n'"),
    "a method's reward of nobody's": ({"frontier": {"methods": {"grpo_guard": {"guard": {"rewards_of_mine:short": 1.0}}}}}, "config key frontier.methods.grpo_guard.guard: no module rewards_of_mine"),
    "more prompts than there are": ({"frontier": {"methods": {"dpo": {"strengths": [9999]}}}}, "frontier.methods.dpo.strengths: 9999 prompts are asked for"),
    "more shots than there are": ({"few_shot": {"pairs": 9999}}, "few_shot.pairs: 9999 pairs are asked for, cold start and RL of hg have 3000"),
    "transfer to itself": ({"few_shot": {"task": "mt"}}, "config key few_shot: task and source_task must differ"),
    "transfer from a task that is taken out": ({"tasks": {"mt": None}, "statistics": {"primary": []}}, "mt is not among tasks: ['hg']"),
    "a variant's name": ({"ablation": {"variants": {"BLEU": {"rewards": {"bleu": 1.0}}}}}, "small letters, digits and _"),
    "a hash that is none": ({"forgetting": {"sha256": "abc"}}, "config key forgetting.sha256"),
    "a batch that processes cannot share": ({"processes": 2}, "cold_sft: batch_size 16 is no multiple of micro_batch_size × processes = 16 × 2; cold_sft.batch_size: 32 or cold_sft.micro_batch_size: 8 would do"),
    "more processes than GPUs": (
        {"device": "cuda", "processes": 2} | {name: {"micro_batch_size": 8} for name in ("cold_sft", "strong_sft", "rl")} | {"few_shot": {"sft": {"micro_batch_size": 8}}, "frontier": None},
        "config key processes: 2 need a GPU each, and this run may use 1; start it with --resources gpu=2",
    ),
    "vLLM without a GPU": ({"rl": {"generation": "vllm"}}, "rl.generation: vllm needs device: cuda and policy.dtype: bfloat16, found cpu and float32"),
    "vLLM that is not installed": ({"rl": {"generation": "vllm"}, "device": "cuda", "policy": {"dtype": "bfloat16"}}, "config key rl.generation: vllm is not installed here; install it with"),
    "4 bits on a CPU": ({"policy": {"quantization": "nf4"}}, "policy.quantization: nf4 needs device: cuda and policy.dtype: bfloat16"),
    "4 bits without bitsandbytes": ({"device": "cuda", "policy": {"quantization": "nf4", "dtype": "bfloat16", "cuda_graphs": False}}, "config key policy.quantization: bitsandbytes is not installed here; install it with python -m pip install -r envs/requirements-nf4.txt, or set it to null"),
    "flash attention that is not installed": ({"device": "cuda", "policy": {"attention": "flash_attention_2", "dtype": "bfloat16", "cuda_graphs": False}}, "config key policy.attention: flash_attn is not installed here; install it with python -m pip install --no-build-isolation -r envs/requirements-flash.txt, or set it to sdpa"),
    "conversations that would read one another": ({"cold_sft": {"padding_free": True}}, "cold_sft.padding_free: needs policy.attention: flash_attention_2"),
    "a tracker that is not installed": ({"tracking": "wandb"}, "config key tracking: wandb is not installed here; install it with python -m pip install -r envs/requirements-wandb.txt, or set it to none"),
    "a tracker that is none": ({"tracking": "mlflow"}, "config key tracking: "),
    "a project that is no name": ({"tracking_project": "my/project"}, "config key tracking_project: "),
    "a negative number of seconds": ({"checkpoint_seconds": -1}, "config key checkpoint_seconds:"),
}  # fmt: skip


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def rewritten(name: str, **values: Any) -> Callable[[Path], None]:
    """A JSON file of the folder with other values."""

    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | values))

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
    "an encoder": (rewritten("config.json", architectures=["BertModel"]), "policy is no causal language model: its architecture is BertModel"),
    "pickled weights": (pickled, "safetensors weights are needed, found only pytorch_model.bin, and pickled weights can run code"),
    "no weights": (without("model.safetensors"), "safetensors weights are needed, found none"),
    "weights cut off": (cut_off, "model.safetensors: damaged or cut off (5000 bytes); download the model again"),
    "a shard missing": (one_shard_short, "model-2.safetensors of model.safetensors.index.json missing"),
    "no tokenizer": (without("tokenizer.json", "tokenizer_config.json"), "policy holds no tokenizer (tokenizer.json)"),
    "no chat template": (no_chat, "policy: the tokenizer has no chat template; take an instruction-tuned model"),
}  # fmt: skip
AS_ENCODER = {"weights cut off", "pickled weights", "no config"}


@pytest.fixture(scope="module")
def said(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """(what a dry run of each case printed, where): configs by name, models as `policy: name` and `encoder: name`."""
    home = tmp_path_factory.mktemp("configs")
    answers: dict[str, tuple[str, Path]] = {}

    def collect(folder: Path, names: list[str], overlays: list[Path]) -> None:
        for name, answer in zip(names, plans(folder, [[file] for file in overlays]), strict=True):
            answers[name] = (str(answer.get("error", "")), folder)

    (home / "folder").mkdir()
    files = []
    for number, (overlay, _) in enumerate(CONFIGS.values()):
        file = home / f"{number}.yaml"
        file.write_text(overlay if isinstance(overlay, str) else yaml.safe_dump(overlay, allow_unicode=True))
        files.append(file)
    collect(home, list(CONFIGS), files)
    for number, (case, (change, _)) in enumerate(MODELS.items()):
        folder = tmp_path_factory.mktemp(f"model{number}")
        shutil.copytree(tiny_policy, folder / "policy")
        change(folder / "policy")
        names, files = [f"policy: {case}"], [folder / "policy.yaml"]
        files[0].write_text("policy: {path: policy}\n")
        if case in AS_ENCODER:
            names.append(f"encoder: {case}")
            files.append(folder / "encoder.yaml")
            files[1].write_text("encoders: {reward: {path: policy}}\n")
        collect(folder, names, files)
    return answers


def check(said: tuple[str, Path], message: str) -> None:
    text, folder = said
    assert message in text, text[-3000:] or "it was accepted"
    assert "Traceback" not in text
    assert not (folder / "results").exists()


@pytest.mark.parametrize("case", CONFIGS)
def test_a_bad_config_ends_before_anything_runs(case: str, said: dict[str, tuple[str, Path]]) -> None:
    check(said[case], CONFIGS[case][1])


@pytest.mark.parametrize("case", MODELS)
def test_a_policy_that_cannot_be_used_is_named_before_anything_runs(
    case: str, said: dict[str, tuple[str, Path]]
) -> None:
    check(said[f"policy: {case}"], MODELS[case][1])


@pytest.mark.parametrize("case", sorted(AS_ENCODER))
def test_so_is_an_encoder(case: str, said: dict[str, tuple[str, Path]]) -> None:
    check(said[f"encoder: {case}"], MODELS[case][1].replace("policy.path", "encoders.reward.path"))


def test_results_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    result = snakemake(tmp_path, "-n")
    assert result.returncode != 0
    assert "results: is no folder, and results go there; move it away" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr

"""Models that were trained elsewhere: what the config, names and headers tell before anything runs.

The adapters are made by peft alone, as another project would.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from semalign.config.base import deep_merge
from semalign.preflight.checks import check
from semalign.preflight.comparisons import comparisons
from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.unit.policies import laid_on, policy, rewritten, tokenizer_of
from tests.unit.shipped import SHIPPED


def config(**changes: Any) -> Config:
    return validate(deep_merge(SHIPPED, changes))


def adapter(folder: Path, base: Path, **changes: Any) -> Path:
    laid_on(base, **changes).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    policy(folder / "base", tokenizer_of("chatml"))
    policy(folder / "wide", tokenizer_of("chatml"), hidden_size=48)
    adapter(folder / "adapter", folder / "base")
    adapter(folder / "of_wide", folder / "wide")
    adapter(folder / "biased", folder / "base", bias="all")
    adapter(folder / "whole_head", folder / "base", modules_to_save=["lm_head"])
    adapter(folder / "embedded", folder / "base", target_modules=["q_proj", "embed_tokens"])
    return folder


def told(folders: Path, monkeypatch: pytest.MonkeyPatch, **entry: Any) -> str:
    """What is said of a config with this model; empty where nothing is."""
    monkeypatch.chdir(folders)
    try:
        check(config(policy={"path": "base"}, models={"theirs": entry}), folders)
    except InputError as error:
        return str(error)
    return ""


def test_an_adapter_of_the_base_is_taken(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(folders, monkeypatch, adapter="adapter") == ""
    assert told(folders, monkeypatch, model="wide") == ""


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("of_wide", "q_proj from 48 to 48, where the base has 32 × 32"),
        ("wide", "it holds a whole model, so give it as `model`"),
        ("biased", "changes the base's biases (bias: all)"),
        ("whole_head", "holds whole modules of its own (lm_head); merge it into its base"),
        ("embedded", "holds tensors that are none of LoRA's"),
        ("absent", "absent does not exist (looked for in"),
    ],
)
def test_what_no_adapter_of_the_base_is(folder: str, said: str, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = told(folders, monkeypatch, adapter=folder)
    assert message.startswith(f"config key models.theirs.adapter: {folder}")
    assert said in message


def test_missing_pickled_and_cut_weights(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = adapter(tmp_path / "mine", folders / "base")
    file = mine / "adapter_model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-8])
    assert "damaged, cut off or empty; copy the adapter again" in told(folders, monkeypatch, adapter=str(mine))
    file.rename(mine / "adapter_model.bin")
    assert "only adapter_model.bin, and pickled weights can run code" in told(folders, monkeypatch, adapter=str(mine))
    (mine / "adapter_config.json").unlink()
    assert "holds no adapter_config.json" in told(folders, monkeypatch, adapter=str(mine))


def test_another_type_and_another_revision(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = adapter(tmp_path / "mine", folders / "base")
    rewritten(mine, "adapter_config.json", peft_type="IA3")
    assert "an adapter of type IA3" in told(folders, monkeypatch, adapter=str(mine))
    rewritten(mine, "adapter_config.json", peft_type="LORA", revision="a" * 40)
    snapshot = tmp_path / ("b" * 40)
    snapshot.symlink_to(folders / "base")
    assert told(folders, monkeypatch, adapter=str(mine)) == ""  # the base's revision is not known
    real = tmp_path / "snapshots" / ("b" * 40)
    real.parent.mkdir()
    policy(real, tokenizer_of("chatml"))
    entry = {"policy": {"path": str(real)}, "models": {"theirs": {"adapter": str(mine)}}}
    with pytest.raises(InputError, match=f"trained on revision {'a' * 40} of its base, and policy.path is {'b' * 40}"):
        check(config(**entry), folders)


def test_a_whole_model_needs_a_template(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = policy(tmp_path / "bare", tokenizer_of("chatml"))
    (bare / "chat_template.jinja").unlink()
    said = told(folders, monkeypatch, model=str(bare))
    assert "the tokenizer has no chat template" in said
    assert "models.theirs.chat_template" in said
    template = tmp_path / "own.jinja"
    template.write_text("{{ messages[0]['content'] }}")
    assert told(folders, monkeypatch, model=str(bare), chat_template=str(template)) == ""


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"rl": {"model": "m"}}, "rl is what tables call a model or row of their own"),
        ({"Theirs": {"model": "m"}}, "'Theirs' must be made of small letters"),
        ({"dpo": {"model": "m"}}, "models.dpo: frontier.methods has an entry of this name"),
        ({"theirs": {"model": "m", "tasks": ["xx"]}}, "models.theirs.tasks: xx is not among tasks"),
        ({"theirs": {}}, "give either adapter or model"),
        (
            {"theirs": {"model": "m", "judged_against": ["cold_sft"]}},
            "models.theirs.judged_against: 'cold_sft' is not one of base, strong_sft, rl",
        ),
        (
            {"a": {"model": "m", "tasks": ["mt"], "judged_against": ["b"]}, "b": {"model": "m", "tasks": ["hg"]}},
            "models.a.judged_against: b answers none of the tasks of a",
        ),
        ({"theirs": {"adapter": "a", "chat_template": "t"}}, "asked with the template of its base"),
    ],
)
def test_entries_that_are_refused(models: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as found:
        config(models=models)
    assert said in str(found.value)


def test_without_trainings_their_sections_are_not_needed() -> None:
    raw = {key: value for key, value in SHIPPED.items() if key not in ("cold_sft", "strong_sft", "rl")}
    with pytest.raises(InputError, match="config key rl: missing"):
        validate(raw)
    found = validate(raw | {"train": False})
    assert (found.ablation, found.few_shot, found.frontier, found.judge.kind) == (None, None, None, "parser")
    with pytest.raises(
        InputError, match=r"models\.theirs\.judged_against: 'rl' is not one of base; nothing is trained"
    ):
        validate(raw | {"train": False, "models": {"theirs": {"model": "m", "judged_against": ["rl"]}}})
    assert found.rewards() == {}
    task = SHIPPED["tasks"]["mt"] | {"train": [], "split": None}
    with pytest.raises(InputError, match=r"tasks\.mt\.train: no pairs to train on; .* `train: false`"):
        validate(SHIPPED | {"tasks": {"mt": task, "hg": SHIPPED["tasks"]["hg"]}})
    assert validate(raw | {"train": False, "tasks": {"mt": task}, "policy": SHIPPED["policy"]})
    assert json.dumps(task)


def test_whom_the_judge_compares() -> None:
    models: dict[str, dict[str, Any]] = {"theirs": {"model": "m"}, "other": {"model": "m", "tasks": ["mt"]}}
    assert list(comparisons(config(seeds=[3, 0]), "mt")) == ["3", "0"]
    usual = config(seeds=[3, 0], models=models)
    assert list(comparisons(usual, "hg")) == ["3", "0", "theirs-strong_sft-3", "theirs-strong_sft-0"]
    pair, seed = comparisons(usual, "hg")["theirs-strong_sft-3"]
    assert (pair.first, pair.second, seed) == ("strong_sft", "models/theirs", 3)
    assert list(comparisons(config(train=False, models=models), "mt")) == ["other-base", "theirs-base"]

    models["theirs"]["judged_against"] = ["rl", "base", "other"]
    models["other"]["judged_against"] = []
    named = config(seeds=[0], models=models)
    assert list(comparisons(named, "mt")) == ["0", "theirs-rl-0", "theirs-base", "theirs-other"]
    assert list(comparisons(named, "hg")) == ["0", "theirs-rl-0", "theirs-base"]  # which `other` does not answer
    assert comparisons(config(judge={"kind": "none"}, models=models, statistics={"primary": []}), "mt") == {}


def test_the_miniatures_judge_reads_no_other_data() -> None:
    own = {key: value for key, value in SHIPPED.items() if key not in ("cold_sft", "strong_sft", "rl")}
    own |= {"train": False, "world": None}
    assert validate(own).judge.kind == "none"
    llm = {"kind": "openai", "model": "m", "prices": None}
    assert validate(own | {"judge": llm}).judge.kind == "openai"
    votes = llm | {"human_votes": {"mt": {"format": "csv", "path": "votes.csv"}}}
    with pytest.raises(InputError, match=r"judge\.human_votes\.mt: people vote on answers of strong_sft and rl"):
        validate(own | {"judge": votes})

import copy
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.shipped import SHIPPED, changed, laid, message


@pytest.mark.parametrize("name", ["one_seed.yaml", "gpt_judge.yaml", "mixed_scripts.yaml"])
def test_shipped_overlays_are_valid(name: str) -> None:
    validate(laid({"seeds": [0, 1]}, yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))))


@pytest.mark.parametrize("kind", ["parser", "none"])
def test_an_overlay_may_turn_a_language_model_off(kind: str) -> None:
    raw = changed("seeds", [0])
    update_config(raw, yaml.safe_load((ROOT / "config" / "gpt_judge.yaml").read_text(encoding="utf-8")))
    assert validate(raw).judge.kind == "openai"
    update_config(raw, {"judge": {"kind": kind}})
    assert validate(raw).judge.model_dump() == {"kind": kind}
    raw["judge"]["modle"] = "x"
    with pytest.raises(InputError, match=r"judge\.modle: unknown key; did you mean model\?"):
        validate(raw)


def test_shipped_config_is_valid() -> None:
    assert isinstance(validate(copy.deepcopy(SHIPPED)), Config)


def test_validated_config_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        validate(copy.deepcopy(SHIPPED)).lora.__setattr__("rank", 8)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("rl.lerning_rate", 1.0, "config key rl.lerning_rate: unknown key; did you mean learning_rate?"),
        ("zzzzzz", 1, "config key zzzzzz: unknown key"),
        ("cmrc", {"limit": 5}, "config key cmrc: is now an entry of retention.benchmarks"),
        ("rl.max_spreadless_share", 0.5, "config key rl.max_spreadless_share: is now rl.max_zero_variance_share"),
        ("mechanism", {"passages": 4}, "config key mechanism: is now forgetting"),
        ("exam.bars", {"retrieval": 0.5}, "config key exam.bars: is now exam.thresholds"),
        ("tasks.mt.train.0.without", [], "config key tasks.mt.train.0.without: is now exclude_ids_from"),
        ("tasks.mt.train.0.paht", "x", "config key tasks.mt.train.0.paht: unknown key; did you mean path?"),
        ("rl.learning_rate", "1e-3", "config key rl.learning_rate: '1e-3' is text to YAML"),
        ("rl.learning_rate", -1, "config key rl.learning_rate: Input should be greater than 0, found -1"),
        (
            "tasks.mt.split.cold",
            "many",
            "config key tasks.mt.split.cold: Input should be a valid integer, found 'many'",
        ),
        ("tasks.mt.split.cold", True, "config key tasks.mt.split.cold: Input should be a valid integer, found True"),
        ("cold_sft", None, "config key cold_sft: keys and values are needed here, found None"),
        ("seeds", [], "config key seeds: "),
        ("seeds", [-1], "config key seeds.0: "),
        ("seeds", [2**32], "config key seeds.0: "),
        ("judge.kind", "gpt", "config key judge: kind: 'gpt' is not one of 'parser', 'none', 'openai'"),
        ("tasks.MT", {}, "config key tasks.MT: 'MT' must be made of small letters, digits and _, a letter"),
        ("tasks.base", {}, "config key tasks.base: base is a folder of the results already; give the task another"),
        ("tasks.mt.metric", "bleu", "config key tasks.mt: metric: is now `metrics`, a list; write metrics: [bleu]"),
        ("tasks.mt.metrics", [], "config key tasks.mt.metrics: List should have at least 1 item"),
        ("tasks.mt.metrics", ["blue"], "config key tasks.mt.metrics.0: 'blue' is neither one of bleu, chrf, rouge_l"),
        ("tasks.mt.metrics", ["m:f", "m:f"], "config key tasks.mt.metrics: repeats m:f; take one of them out"),
        (
            "tasks.mt.metrics",
            ["bleu", {"name": "similarity", "function": "m:f"}],
            "config key tasks.mt.metrics.1: name: similarity is the name of another figure",
        ),
        (
            "tasks.mt.metrics",
            [{"name": "comet", "function": "comet"}],
            "config key tasks.mt.metrics.0.function: 'comet' is no module:function",
        ),
        ("ablation.task", "qa", "ablation.task: qa is not among tasks: ['mt', 'hg']"),
        ("tasks.mt.train", [], "config key tasks.mt: give `train` (sources) and `split` together"),
        ("tasks.mt.train.0", {"path": "x"}, "config key tasks.mt.train.0: `format` is missing"),
        ("tasks.mt.train.0.format", "xml", "config key tasks.mt.train.0: format: 'xml' is not one of 'aligned', "),
        (
            "tasks.mt.train.0",
            {"format": "aligned", "source": "a"},
            "config key tasks.mt.train.0.target: missing, and it has no default",
        ),
    ],
)
def test_wrong_key_is_named_with_what_would_be_right(path: str, value: Any, expected: str) -> None:
    assert expected in message(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("rl.micro_batch_size", 7, "config key rl: micro_batch_size must divide batch_size"),
        ("rl.num_generations", 5, "config key rl: num_generations must divide batch_size"),
        ("tasks.mt.split.test", 5, "config key tasks.mt: give either `test` (sources) or `split.test`"),
        ("tasks.mt.test", [], "config key tasks.mt: give either `test` (sources) or `split.test`"),
        ("tasks.mt.source_language", "en", "tasks.mt: language 'en' is not among languages"),
        (
            "tasks.mt.published",
            "paper_hg",
            "tasks.mt.published: paper_hg is from Tibetan to Tibetan script, and this task from Han to Tibetan; set it",
        ),
        ("world", None, "judge.kind: parser reads the miniature's language and needs `world`"),
        ("policy.pretraining", None, "config key policy: give path or pretraining"),
        ("policy.pretraining.tokenizer", {}, "config key policy.pretraining.tokenizer: give either lexicon or vocab"),
        ("encoders.reward.shape", None, "config key encoders.reward: give path, or shape and tokenizer"),
        (
            "policy.pretraining.corpus.0",
            {"kind": "questions", "source": {"format": "lines", "path": "x"}},
            "config key policy.pretraining.corpus.0: kind: questions needs a source of format squad, cmrc2018, "
            "jsonl, json or parquet, not lines",
        ),
        (
            "policy.pretraining.corpus.0",
            {"kind": "text", "task": "mt", "source": {"format": "lines", "path": "x"}},
            "config key policy.pretraining.corpus.0: task: is given for kind: pairs",
        ),
        (
            "policy.pretraining.corpus.0",
            {"kind": "questions", "source": {"format": "csv", "path": "x"}},
            "config key policy.pretraining.corpus.0: csv cannot hold a question's list of answers",
        ),
        (
            "policy.pretraining.corpus.0",
            {
                "kind": "text",
                "source": {"format": "csv", "path": "x", "exclude_ids_from": [{"format": "csv", "path": "y"}]},
            },
            "config key policy.pretraining.corpus.0: source.exclude_ids_from: is for pairs alone, and this "
            "is of kind: text",
        ),
        (
            "retention.benchmarks.cmrc.test.0",
            {"format": "tsv", "path": "x"},
            "config key retention.benchmarks.cmrc.test.0: tsv cannot hold a question's list",
        ),
        (
            "encoders.reward.train.0",
            {"format": "jsonl", "path": "x", "exclude_ids_from": []},
            "config key encoders.reward.train.0.exclude_ids_from: unknown key",
        ),
    ],
)
def test_impossible_combination_is_refused(path: str, value: Any, expected: str) -> None:
    assert expected in message(changed(path, value))


def test_an_encoder_of_the_ablation_is_what_it_changes_of_the_reward_encoder() -> None:
    changes = {"epochs": 0, "shape": {"architecture": "bert"}, "tokenizer": {"lexicon": None, "vocab_size": 300}}
    config = validate(
        changed("encoder_ablation", {"task": "mt", "encoders": {"one": changes, "same": {}, "none": None}})
    )
    assert config.encoder_ablation is not None
    one, reward = config.encoder_ablation.encoders["one"], config.encoders.reward
    assert one.shape == reward.shape.model_copy(update={"architecture": "bert"}) if reward.shape else None
    assert one.model_dump(exclude={"epochs", "shape", "tokenizer"}) == reward.model_dump(
        exclude={"epochs", "shape", "tokenizer"}
    )
    assert (one.epochs, one.tokenizer and one.tokenizer.vocab_size) == (0, 300)
    assert config.encoder_ablation.encoders.keys() == {"one", "same"}
    assert config.encoder_ablation.encoders["same"] == reward


@pytest.mark.parametrize(
    ("ablation", "expected"),
    [
        (
            {"task": "mt", "encoders": {"Raw": {}}},
            "config key encoder_ablation: encoders: 'Raw' must be made of small letters",
        ),
        (
            {"task": "mt", "encoders": {"reward": {}}},
            "config key encoder_ablation: encoders: reward is the name of one that",
        ),
        (
            {"task": "mt", "encoders": {"a": {"epoch": 1}}},
            "config key encoder_ablation.encoders.a.epoch: unknown key; did you mean",
        ),
        (
            {"task": "mt", "encoders": {"a": 1}},
            "config key encoder_ablation.encoders.a: keys and values are needed here, found 1",
        ),
        (
            {"task": "mt", "encoders": {"a": {"shape": None}}},
            "config key encoder_ablation.encoders.a: give path, or shape and",
        ),
        ({"task": "qa", "encoders": {}}, "config: encoder_ablation.task: qa is not among tasks: ['mt', 'hg']"),
    ],
)
def test_a_wrong_encoder_of_the_ablation_is_named(ablation: dict[str, Any], expected: str) -> None:
    assert message(changed("encoder_ablation", ablation)).startswith(expected)


def test_what_is_wrong_with_the_reward_encoder_is_said_once() -> None:
    assert len(message(changed("encoders.reward.seed", -1)).splitlines()) == 1


def test_other_encoders_need_a_reward_that_asks_one() -> None:
    said = message(changed("rl.rewards", {"language": 1.0}))
    assert "encoder_ablation: rl.rewards gives similarity no weight" in said


def test_every_problem_has_its_line() -> None:
    raw = changed("rl.epochs", "one")
    raw["lora"]["ranks"] = 4
    lines = message(raw).splitlines()
    assert [line.split(":")[0] for line in lines] == ["config key lora.ranks", "config key rl.epochs"]


@pytest.mark.parametrize("raw", [None, [], "text"])
def test_something_else_than_keys_is_refused(raw: Any) -> None:
    assert message(raw).startswith("config: keys and values are needed here")


def test_missing_sections_are_listed() -> None:
    assert "config key tasks: missing, and it has no default" in message({}).splitlines()

"""A policy's folder is checked before anything is trained on it, and what is wrong with it is said."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from semalign.model_files.model_folders import ENCODER, POLICY, model_problem
from semalign.policy.models import load_policy
from semalign.policy.policy_checks import Use, policy_checks
from semalign.runtime.errors import InputError
from tests.unit.policies import TEMPLATES, policy, rewritten, tokenizer_of

PROMPT = "翻译：{source}"
USE = Use(
    {"tasks.mt.prompt": PROMPT, "retention.benchmarks.cmrc.prompt": "{context}\n问：{question}"},
    {"tasks.mt.max_tokens": 512},
    None,
)


@pytest.mark.parametrize("kind", [POLICY, ENCODER])
def test_an_adapter_in_a_folder_is_refused(kind: str, families: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(families["chatml"], tmp_path / "policy")
    assert model_problem(folder, POLICY) is None
    (folder / "adapter_config.json").write_text("{}")
    assert "holds a whole model and adapter_config.json, whose adapter would be loaded" in str(
        model_problem(folder, kind)
    )
    (folder / "config.json").unlink()
    assert "holds an adapter and no whole model; merge it into its base" in str(model_problem(folder, kind))


def test_quantised_weights_are_refused(families: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(families["chatml"], tmp_path / "policy")
    rewritten(folder, "config.json", quantization_config={"quant_method": "awq"})
    assert "holds quantised weights" in str(model_problem(folder, POLICY))


def found(folder: Path, use: Use = USE) -> dict[str, str]:
    """What is wrong with a folder, by the name of the check."""
    return {row["check"]: row["problem"] for row in policy_checks(folder, use) if row["problem"]}


@pytest.mark.parametrize("family", TEMPLATES)
def test_a_familys_policy_passes(family: str, families: dict[str, Path]) -> None:
    assert found(families[family]) == {}


def chatml(content: str, between: str = "", after: str = "<|im_end|>\\n") -> str:
    """ChatML with another expression for a turn's text, and other text before an answer or after a turn."""
    return (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + ("
        f"'{between}' if m['role'] == 'assistant' else '') + {content} + '{after}' }}}}{{% endfor %}}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )


CHAT = "m['content']"
# {a template: what must be said of it}
TEMPLATES_REFUSED = {
    "{% for m in messages %}{{ m.content }": "is no valid Jinja: line 1",
    "{{ raise_exception('a system message is needed') }}": "turn and its answer: a system message",
    "{{ messages | nofilter }}": "No filter named 'nofilter'",
    "{{ lipsum(1) }}" + chatml(CHAT): "draws at random",
    "{{ ['a', 'b'] | random }}" + chatml(CHAT): "draws at random",
    "{{ [['a', 'b', 'c', 'd']] | map('random') | first }}" + chatml(CHAT): "draws at random",
    "{{ raise_exception }}" + chatml(CHAT): "writes an address in memory",
    "{% set f = '%Y' %}{{ strftime_now(f) }}" + chatml(CHAT): "reads the clock in a format that is not written out",
    chatml(CHAT, after="\\n"): "no end token of the tokenizer right there",
    chatml(CHAT, after="</s>"): "no end token of the tokenizer right there",
    chatml(CHAT, after="\\n-- end<|im_end|>"): "no end token of the tokenizer right there",
    chatml(CHAT, between="<|im_start|>final "): "between prompt and answer",
    chatml("m['content'] | lower"): "changes, drops or repeats an answer",
    chatml("m['content'] + m['content']"): "changes, drops or repeats an answer",
    chatml("m['content'][:100]"): "changes, cuts or drops the user's text",
    chatml("m['content'] | replace('  ', ' ')"): "changes, cuts or drops the user's text",
    chatml("(m['content'] if m.role == 'assistant' or messages[0].role == 'system' else '')"): "drops the user's text",
    chatml("(m['content'] | e if m.role == 'user' else m['content'])"): "",
}


@pytest.mark.parametrize("template", TEMPLATES_REFUSED)
def test_a_template_that_cannot_be_used_is_refused(template: str, tmp_path: Path) -> None:
    problems = found(policy(tmp_path, tokenizer_of("chatml", chat_template=template)))
    assert TEMPLATES_REFUSED[template] in " ".join(problems.values())
    assert problems


def unlinked(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).unlink()


def as_words_and_merges(folder: Path) -> None:
    """The tokenizer's vocabulary in GPT-2's two files."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    (folder / "merges.txt").write_text("\n".join(" ".join(merge) for merge in model["merges"]))
    rewritten(folder, "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    (folder / "tokenizer.json").unlink()


def in_a_list(folder: Path) -> None:
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    rewritten(folder, "tokenizer_config.json", chat_template=[{"name": "default", "template": template}])


def in_a_folder(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    (folder / "chat_template.jinja").rename(folder / "additional_chat_templates" / "default.jinja")


def written(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text)


def changed(**changes: Any) -> Callable[[Path], Any]:
    return lambda folder: rewritten(folder, "config.json", **changes)


TOKENIZER = "tokenizer and chat template"
# {what is done to a folder: (check, what it says)}, or nothing where all is well
FOLDERS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "broken tokenizer": (written("tokenizer.json", "{"), TOKENIZER, "cannot be loaded"),
    "empty tokenizer": (written("tokenizer.json", "{}"), TOKENIZER, "cannot be loaded"),
    "broken settings": (written("tokenizer_config.json", "{"), TOKENIZER, "cannot be loaded"),
    "settings that are a list": (written("tokenizer_config.json", "[]"), TOKENIZER, "cannot be loaded"),
    "another class": (
        lambda folder: rewritten(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer"),
        TOKENIZER,
        "Missing [UNK] token",
    ),
    "no settings": (unlinked("tokenizer_config.json"), "", ""),
    "words and merges": (as_words_and_merges, "", ""),
    "template in a list": (in_a_list, "", ""),
    "template in a folder": (in_a_folder, "", ""),
    "unknown architecture": (changed(model_type="none"), "architecture", "no model can be built"),
    "broken decoding": (written("generation_config.json", "{"), "end tokens", "generation_config.json:1: broken JSON"),
    "short context": (
        changed(max_position_embeddings=128),
        "context",
        "reads 128 tokens (max_position_embeddings), and tasks.mt.max_tokens = 512",
    ),
    "few embeddings": (changed(vocab_size=290), "vocabulary", "is number 299, and the model has embeddings for 290"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_what_is_wrong_with_a_folder_is_said(case: str, families: dict[str, Path], tmp_path: Path) -> None:
    change, check, said = FOLDERS[case]
    folder = shutil.copytree(families["chatml"], tmp_path / "policy")
    change(folder)
    problems = found(folder)
    assert problems.keys() >= ({check} if check else set())
    assert said in problems.get(check, "")
    if not check:
        assert problems == {}
        load_policy(folder, "float32", "cpu")


@pytest.mark.parametrize("model_type", ["xglm", "ctrl"])
def test_a_model_that_padding_shifts_is_refused(model_type: str, tmp_path: Path) -> None:
    assert "padding" in found(policy(tmp_path, tokenizer_of("chatml"), model_type))["positions"]


def test_flash_attention_is_looked_up(families: dict[str, Path], tmp_path: Path) -> None:
    use = replace(USE, attention="flash_attention_2")
    assert found(families["chatml"], use) == {}
    without = policy(tmp_path, tokenizer_of("chatml"), "bloom")
    assert "attention" not in found(without)
    assert found(without, use)["attention"] == "BloomForCausalLM has no flash_attention_2; set policy.attention: sdpa"


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="flash-attn is installed")
def test_without_flash_attn_the_library_refuses(families: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"cannot be loaded as a causal language model: .*[Ff]lash.?[Aa]ttention.?2"):
        load_policy(families["chatml"], "bfloat16", "cpu", attention="flash_attention_2")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    folder = policy(tmp_path, tokenizer_of("chatml", chat_template=chatml("m['content'][:50]")), "mixtral", rows=290)
    use = Use(USE.prompts, {"rl.max_prompt_tokens + rl.max_new_tokens": 10**6}, None)
    assert found(folder, use).keys() >= {
        "text of tasks.mt.prompt",
        "text of retention.benchmarks.cmrc.prompt",
        "context",
        "LoRA",
        "vocabulary",
    }


def test_white_space_that_a_template_takes_away_is_to_leave_the_prompt(families: dict[str, Path]) -> None:
    problems = found(families["gemma"], Use({"tasks.mt.prompt": "翻译：{source}\n"}, {}, None))
    assert problems == {
        "text of tasks.mt.prompt": "the chat template takes away white space at the ends of tasks.mt.prompt; take it "
        "out of the prompt"
    }

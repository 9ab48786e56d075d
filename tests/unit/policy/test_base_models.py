"""A base model that brings no chat template, taught and asked with the user's own."""

from pathlib import Path

import pytest

from semalign.generation.answers import generate
from semalign.policy.chat_template import start_ids
from semalign.policy.models import load_policy
from semalign.policy.policy_checks import Use, policy_checks
from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.policy.sft import conversations
from semalign.runtime.errors import InputError
from semalign.text.prompts import conversation_text, prompt_text
from tests.conftest import work
from tests.unit.policies import policy, tokenizer_of

BARE = (
    "{{ bos_token }}{% for m in messages %}{{ m['content'] }}"
    "{% if m['role'] == 'user' %}{{ '\n' }}{% else %}{{ eos_token }}{% endif %}{% endfor %}"
)
USE = Use({"tasks.mt.prompt": "Translate: {source}"}, {"tasks.mt.max_tokens": 64}, None, chat_template=BARE)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = policy(tmp_path / "policy", tokenizer_of("gemma", chat_template=None))
    assert not (folder / "chat_template.jinja").exists()
    return folder


def test_without_a_template_the_folder_is_refused(base: Path) -> None:
    with pytest.raises(InputError, match=r"policy\.path: .*there is no chat template"):
        load_tokenizer(base)


def test_the_given_template_takes_its_place(base: Path, tmp_path: Path) -> None:
    model, tokenizer = load_policy(base, "float32", "cpu", chat_template=BARE)
    assert prompt_text(tokenizer, "老师？") == "<bos>老师？\n"
    assert conversation_text(tokenizer, "老师？", "看书") == "<bos>老师？\n看书<eos>"
    assert tokenizer.decode(start_ids(tokenizer)) == "<bos>"
    [answer] = generate(
        model, tokenizer, ["老师？"], max_new_tokens=4, batch_size=1, workspace=work(tmp_path / "work"), name="x"
    )
    assert answer.tokens <= 4


def test_it_is_checked_as_the_folders_own_is(base: Path) -> None:
    rows = policy_checks(base, USE)
    assert [row for row in rows if row["problem"]] == []
    assert "policy.chat_template" in rows[0]["found"]
    for template, said in (
        ("{% for m in messages %}{{ m['content'] }}{% endfor %}", "no answer would ever end"),
        ("{{ messages[0]['content'][:5] }}", "another beginning once there is an answer|changes, drops or repeats"),
        ("{% for %}", "no valid Jinja"),
    ):
        use = Use(USE.prompts, USE.lengths, None, chat_template=template)
        problems = " ".join(str(row["problem"]) for row in policy_checks(base, use) if row["problem"])
        assert any(part in problems for part in said.split("|")), problems


def test_it_replaces_a_template_that_the_folder_has(tmp_path: Path) -> None:
    folder = policy(tmp_path / "policy", tokenizer_of("gemma"))
    assert "<start_of_turn>" in prompt_text(load_tokenizer(folder), "a")
    assert prompt_text(load_tokenizer(folder, BARE), "a") == "<bos>a\n"


def test_only_a_text_that_holds_a_control_token_is_sanitised_in_training(base: Path) -> None:
    rows = [{"source": "a", "target": "b"}, {"source": "a <eos>", "target": "b"}, {"source": "a", "target": "<bos>"}]
    found = conversations(rows, "English: {source}\nBodo:", load_tokenizer(base, BARE))
    assert [row["sanitize_control_tokens"] for row in found["chat_template_kwargs"]] == [False, True, True]
    assert found[1]["prompt"] == [{"role": "user", "content": "English: a <eos>\nBodo:"}]

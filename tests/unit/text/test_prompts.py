"""Prompts in tokens: a control token in a user's text stays text, and so does all else."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.text.prompts import (
    TOKENIZED,
    assistant_turn,
    conversation_ids,
    holds_control,
    prompt_ids,
    user_turn,
)
from tests.conftest import PAIRS

TEXTS = [row["source"] for row in PAIRS[:4]] + ["a <|im_end|> b", "<bos>", "x\uf8ff\U000f0001y", "é\u200b", ""]


@pytest.mark.parametrize("family", ["chatml", "llama3", "gemma", "mistral", "phi3"])
def test_tokens_are_those_of_conversations_all_of_which_are_sanitised(family: str, families: dict[str, Path]) -> None:
    tokenizer: Any = load_tokenizer(families[family])
    asked = [user_turn(text) for text in TEXTS]
    wanted = tokenizer.apply_chat_template(asked, add_generation_prompt=True, **TOKENIZED)["input_ids"]
    assert prompt_ids(tokenizer, TEXTS) == wanted
    assert [prompt_ids(tokenizer, [text])[0] for text in TEXTS] == wanted
    whole = [turn + assistant_turn(text) for turn, text in zip(asked, TEXTS[::-1], strict=True)]
    wanted = tokenizer.apply_chat_template(whole, **TOKENIZED)["input_ids"]
    assert conversation_ids(tokenizer, TEXTS, TEXTS[::-1]) == wanted
    assert prompt_ids(tokenizer, []) == []


def test_white_space_among_the_added_tokens_is_no_control_token(families: dict[str, Path]) -> None:
    tokenizer: Any = load_tokenizer(families["gemma"])
    tokenizer.add_tokens([AddedToken("\n", special=False, normalized=False), AddedToken("<table>", special=False)])
    texts = ["English: a dog\nBodo:", "a\n\nb", "<start_of_turn>\n"]
    assert [holds_control(tokenizer, text) for text in texts] == [False, False, True]
    assert holds_control(tokenizer, "a", "<table>")
    wanted = tokenizer.apply_chat_template([user_turn(t) for t in texts], add_generation_prompt=True, **TOKENIZED)
    assert prompt_ids(tokenizer, texts) == wanted["input_ids"]

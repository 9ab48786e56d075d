"""Tokenizers made on the spot."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from semalign.config.models import Tokenizer
from semalign.runtime.errors import InputError
from semalign.text.tokenizer import build_encoder_tokenizer, build_tokenizer, count_unknown

WORDS = ["老师", "老", "买", "买了", "书", "。", "བོད་", "ཡིག་", "ཡིག", "།", " "]
TSHEG = "་"
TEXTS = ["བོད་ཡིག་དང་རྒྱ་ཡིག", "老师买了书。", "The teacher bought 3 books."] * 20


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lexicon") / "lexicon.txt"
    path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def by_words(lexicon: Path) -> PreTrainedTokenizerFast:
    return build_tokenizer(Tokenizer(lexicon=lexicon), [])


@pytest.fixture(scope="module")
def by_bytes() -> PreTrainedTokenizerFast:
    return build_tokenizer(Tokenizer(lexicon=None, vocab_size=300), TEXTS)


def test_the_fewest_pieces_win(by_words: PreTrainedTokenizerFast) -> None:
    assert by_words.tokenize("老师买了书。") == ["老师", "买了", "书", "。"]
    assert by_words.tokenize("བོད་ཡིག་བོད་ཡིག།") == ["བོད་", "ཡིག་", "བོད་", "ཡིག", "།"]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join))
def test_lexicon_text_comes_back_exactly(by_words: PreTrainedTokenizerFast, text: str) -> None:
    assert by_words.decode(by_words(text)["input_ids"]) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_bpe_gives_any_text_back_exactly(by_bytes: PreTrainedTokenizerFast, text: str) -> None:
    if "<|" not in text:
        assert by_bytes.decode(by_bytes(text)["input_ids"]) == text


def test_unknown_text_is_seen_and_counted(by_words: PreTrainedTokenizerFast, by_bytes: PreTrainedTokenizerFast) -> None:
    assert by_words.decode(by_words("老师xЖ😀书")["input_ids"], skip_special_tokens=True) == "老师<unk>书"
    assert count_unknown(by_words, ["老师xЖ😀书y", "y", "书"]) == 3  # runs of unknown characters
    assert count_unknown(by_words, []) == 0
    assert count_unknown(by_bytes, ["ༀ anything"]) == 0


def test_bpe_keeps_syllables_apart(by_bytes: PreTrainedTokenizerFast) -> None:
    assert len(by_bytes) == 300
    pieces = [by_bytes.decode([i]) for i in by_bytes("བོད་ཡིག་དང་")["input_ids"]]
    assert all(TSHEG not in piece[:-1] for piece in pieces)


@pytest.mark.parametrize("kind", ["by_words", "by_bytes"])
def test_chat_turns(kind: str, request: pytest.FixtureRequest) -> None:
    tokenizer = request.getfixturevalue(kind)
    question = [{"role": "user", "content": "买"}]
    answer = [{"role": "assistant", "content": "书"}]
    prompt = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
    assert prompt == "<|im_start|>user\n买<|im_end|>\n<|im_start|>assistant\n"
    whole = tokenizer.apply_chat_template(question + answer, tokenize=False)
    assert whole == prompt + "书<|im_end|>\n"
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert ids[: len(before)] == before
    assert tokenizer.decode(ids) == whole
    assert tokenizer.eos_token_id in ids[len(before) :]
    assert count_unknown(tokenizer, [whole]) == 0


@pytest.mark.parametrize("kind", ["by_words", "by_bytes"])
def test_saved_and_loaded_it_is_the_same(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    tokenizer = request.getfixturevalue(kind)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.chat_template == tokenizer.chat_template
    assert loaded("老师买了书。 བོད་ཡིག།")["input_ids"] == tokenizer("老师买了书。 བོད་ཡིག།")["input_ids"]
    assert (loaded.pad_token, loaded.eos_token) == ("<|endoftext|>", "<|im_end|>")
    batch = loaded(["书", "书书书书"], padding=True)
    assert batch["attention_mask"][0][0] == 0  # padded on the left
    assert batch["input_ids"][0][0] == loaded.pad_token_id
    assert loaded.pad_token_id != loaded.eos_token_id


def test_bpe_is_the_same_each_time(by_bytes: PreTrainedTokenizerFast) -> None:
    assert build_tokenizer(Tokenizer(lexicon=None, vocab_size=300), TEXTS).get_vocab() == by_bytes.get_vocab()


def test_encoder_tokenizer(lexicon: Path, tmp_path: Path) -> None:
    for settings in (Tokenizer(lexicon=lexicon), Tokenizer(lexicon=None, vocab_size=300)):
        build_encoder_tokenizer(settings, TEXTS, 6).save_pretrained(tmp_path)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
        ids = [tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id]
        assert ids == [0, 1, 2, 3]
        batch = tokenizer(["买", "老师书老师书老师书"], padding=True, truncation=True)["input_ids"]
        assert len(batch[0]) == len(batch[1]) == 6
        assert (batch[1][0], batch[1][-1]) == (0, 2)
        assert (batch[0][0], batch[0][-1]) == (0, 1)  # padded on the right
        assert tokenizer.decode(tokenizer("老师书")["input_ids"], skip_special_tokens=True) == "老师书"


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    repeated = tmp_path / "repeated.txt"
    repeated.write_text("书\n买\n书\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"repeated\.txt:3: '书' already stands in line 1"):
        build_tokenizer(Tokenizer(lexicon=repeated), [])
    empty = tmp_path / "empty.txt"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"empty\.txt: holds no words"):
        build_tokenizer(Tokenizer(lexicon=empty), [])
    with pytest.raises(InputError, match=r"vocab_size: 100 cannot hold 256 bytes"):
        build_tokenizer(Tokenizer(lexicon=None, vocab_size=100), TEXTS)

"""What must hold of tokens, of language consistency and of a lexicon's tokenizer, whatever the text."""

import random
import unicodedata
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.config.models import Tokenizer
from semalign.text.languages import language_consistency
from semalign.text.tokenizer import build_encoder_tokenizer, build_tokenizer, count_unknown

OWN = "ཀཁགངཅབོདཡིགསྒྲུ"
TIBETAN_MARKS = "ཱིེོུཾྃྐྱྲླ༹༘\u0f39\u0fc6"
HAN = "北京大学一漢々〇𠀀"
LATIN = "abzABZéßÑｘ"
NEUTRAL = "0189༠༩１½²་༌།༎༄，。！？.,-'%$+…—《》❤😀🏔 \t\n\u3000\u200b\ufeff\u00ad\x07\u202e"  # no letter among them
COMBINING = TIBETAN_MARKS + "\u0301\u0308\u0327\u3099\ufe0f\u20dd"
OTHERS = "αΣςЖңقىअกががカ"
ALPHABET = OWN + TIBETAN_MARKS + HAN + LATIN + NEUTRAL + COMBINING + OTHERS

TEXT = st.text(st.sampled_from(sorted(set(ALPHABET))), max_size=24) | st.text(max_size=12)
TIBETAN = Language(script="Tibetan", excluded_scripts=["Han", "Cyrillic"], latin_share=0.25, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")
LANGUAGES = st.sampled_from([TIBETAN, CHINESE])
UNTAGGED = st.text(st.sampled_from(sorted(set(ALPHABET))), max_size=24)  # holds no < and so no tag

few = settings(max_examples=120, deadline=None)


def inserted(text: str, added: str, places: random.Random) -> str:
    """The text with each character of `added` somewhere in it."""
    characters = list(text)
    for character in added:
        characters.insert(places.randint(0, len(characters)), character)
    return "".join(characters)


# Tokens


# Language


@few
@given(UNTAGGED, LANGUAGES, st.text(st.sampled_from(NEUTRAL + COMBINING), max_size=8), st.randoms())
def test_what_is_no_letter_changes_no_consistency(
    text: str, language: Language, added: str, places: random.Random
) -> None:
    assert language_consistency(inserted(text, added, places), language) == language_consistency(text, language)


@few
@given(UNTAGGED, LANGUAGES)
def test_canonically_equal_texts_are_equally_consistent(text: str, language: Language) -> None:
    expected = language_consistency(text, language)
    for form in ("NFC", "NFD"):
        # the letters that the alphabet composes and takes apart are one letter either way
        assert language_consistency(unicodedata.normalize(form, text), language) == expected


@few
@given(st.text(st.sampled_from(OWN + NEUTRAL + LATIN), max_size=20), st.randoms(), st.sampled_from("北々Жң𠀀"))
def test_one_excluded_letter_is_enough(text: str, places: random.Random, foreign: str) -> None:
    assert language_consistency(text + "ཀ" * 100, TIBETAN) == 1.0
    assert language_consistency(inserted(text, foreign, places) + "ཀ" * 100, TIBETAN) == 0.0


@few
@given(TEXT, TEXT, LANGUAGES, st.sampled_from(["<think>", "</think>", "<think></think>", "<think>ཀ</think>"]))
def test_a_thought_anywhere_is_zero(before: str, after: str, language: Language, tag: str) -> None:
    assert language_consistency(before + tag + after, language) == 0.0


@few
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 100), st.randoms())
def test_latin_may_be_its_share_and_no_more(own: int, latin: int, share: int, places: random.Random) -> None:
    language = TIBETAN.model_copy(update={"latin_share": share / 100})
    text = inserted("ཀ" * own + " 3ི་", "Q" * latin, places)
    assert language_consistency(text, language) == float(own > 0 and 100 * latin <= share * (own + latin))


# A lexicon's tokenizer


WORDS = st.lists(st.text(st.sampled_from("书买老师བོད་།"), min_size=2, max_size=4), max_size=8, unique=True)
LETTERS = "书买老师བོད་།"


def fewest(text: str, words: set[str]) -> int:
    """The smallest number of words that make up the text."""
    best = [0]
    for end in range(1, len(text) + 1):
        best.append(min(best[start] + 1 for start in range(end) if text[start:end] in words))
    return best[-1]


def lexicon(folder: Path, words: list[str]) -> Tokenizer:
    path = folder / "lexicon.txt"
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return Tokenizer(lexicon=path)


@settings(max_examples=25, deadline=None)
@given(words=WORDS, texts=st.lists(st.text(st.sampled_from(LETTERS), max_size=16), min_size=1, max_size=5))
def test_known_text_comes_back_in_the_fewest_words(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], texts: list[str]
) -> None:
    settings = lexicon(tmp_path_factory.mktemp("words"), [*LETTERS, *words])
    policy, encoder = build_tokenizer(settings, []), build_encoder_tokenizer(settings, [], 64)
    assert count_unknown(policy, texts) == 0 == count_unknown(encoder, texts)
    for text in texts:
        ids = policy(text)["input_ids"]
        assert policy.decode(ids) == text
        assert len(ids) == fewest(text, {*LETTERS, *words})
        assert encoder.decode(encoder(text)["input_ids"], skip_special_tokens=True) == text


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from(LETTERS + "xyzЖ😀"), max_size=16), min_size=1, max_size=5))
def test_every_run_of_unknown_characters_is_one_unknown(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    tokenizer = build_tokenizer(lexicon(tmp_path_factory.mktemp("words"), [*LETTERS, "老师", "བོད་"]), [])
    runs = [[known for known, _ in groupby(text, key=lambda c: c in LETTERS)].count(False) for text in texts]
    assert count_unknown(tokenizer, texts) == sum(runs)
    for text in texts:
        shown = "".join(
            "".join(run) if known else "<unk>"
            for known, run in groupby(text, key=lambda character: character in LETTERS)
        )
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == shown


def test_no_texts_hold_no_unknown(tmp_path: Path) -> None:
    assert count_unknown(build_tokenizer(lexicon(tmp_path, [*LETTERS]), []), []) == 0

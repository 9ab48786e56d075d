"""Content by a bilingual lexicon."""

import json
from pathlib import Path

import pytest

from semalign.metrics.lexicon import told
from semalign.runtime.errors import InputError

LEXICON = {"red": ["rot"], "dog|dogs": ["hund"], "two": ["zwei"]}
SOURCES = ["Two red dogs.", "Two red dogs.", "The dog is Red!", "A redhead runs.", "Nothing here", "two"]
OUTPUTS = ["Zwei rote Hunde", "Ein roter Hund", "Die Hunde", "Ein Rotkehlchen", "Nichts", ""]


def test_the_lexicons_meanings_are_looked_for_by_their_beginnings(tmp_path: Path) -> None:
    (tmp_path / "lexicon.json").write_text(json.dumps(LEXICON))
    # all; two of three; one of two; one that the source lacks; none in both; nothing of one
    expected = [1, 2 * 2 / (3 + 2), 2 * 1 / (2 + 1), 0, 1, 0]
    assert told(OUTPUTS, SOURCES, SOURCES, tmp_path / "lexicon.json", "cpu") == pytest.approx(expected)


def test_spellings_that_are_canonically_equal_are_one(tmp_path: Path) -> None:
    (tmp_path / "lexicon.json").write_text(json.dumps({"café": ["\u0958म"]}))  # which NFC takes apart for good
    outputs = ["\u0915\u093cमा", "कम"]
    assert told(outputs, outputs, ["The cafe\u0301."] * 2, tmp_path / "lexicon.json", "cpu") == [1, 0]


@pytest.mark.parametrize("key", ["ice cream", "gray | grey", "gray|", "2"])
def test_a_key_that_no_source_can_have_is_an_error(key: str, tmp_path: Path) -> None:
    (tmp_path / "lexicon.json").write_text(json.dumps({key: ["x"]}))
    with pytest.raises(InputError, match=r"lexicon\.json: '.*' in '.*' is not one word of letters"):
        told([], [], [], tmp_path / "lexicon.json", "cpu")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"red": "rot"}', '{"red": [1]}', '{"red": [""]}'])
def test_another_form_is_an_error_that_shows_the_right_one(content: str, tmp_path: Path) -> None:
    (tmp_path / "lexicon.json").write_text(content)
    with pytest.raises(InputError, match=r"lexicon\.json: (not JSON|a lexicon is an object of lists of texts)"):
        told([], [], [], tmp_path / "lexicon.json", "cpu")

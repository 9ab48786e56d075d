"""docs/outputs.md against a finished run: every file, every column and key, neither more nor less.

SEMALIGN_RESULTS=<a results folder> compares with that run instead of a new one.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
SUFFIXES = ("_sd", "_low", "_high", "_n", "_paper", "_difference")
GIVEN = os.environ.get("SEMALIGN_RESULTS")
PLACES = {
    "task": "mt|hg",
    "metric": r"[\w.]+:\w+|own_\w+",
    "name": r"[a-z0-9_]+",
    "model": r"cold_sft|strong_sft|rl(-encoder)?(-\w+)?|(rl|strong_sft)-trial-\w+|rl@\d+|(sft|fewshot)-\w+|\w+@[\d.]+",
    "seed": r"\d+",
    "comparison": r"[\w-]+",
    "step": r"\d+",
    "encoder": r"\w+",
    "run": r"base|(mt|hg)/[\w@.-]+/\d+(/dev)?",
    "table": r"table\w+|frontier|costs|encoders|statistics|audit|sources",
    "figure": r"\w+",
    "hash": r"\w+",
    "file": ".+",
    "log": ".+",
    "benchmark": ".+",
    "artefact": ".+",
    "reward": r"[\w:.]+",
}


@dataclass
class Entry:
    """A heading of the page: a file's pattern, the keys under it, and those that are not always there."""

    pattern: str
    optional: bool
    keys: list[str]
    perhaps: list[str]


def matcher(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"<(\w+)>", pattern)
    return re.compile("".join(f"({PLACES[p]})" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


def entries() -> Iterator[Entry]:
    for section in re.split(r"^#{2,3} ", PAGE, flags=re.M)[1:]:
        heading, _, body = section.partition("\n")
        keys: list[str] = []
        perhaps: list[str] = []
        for first, meaning in re.findall(r"^\| (`.*?`) \| (.*) \|$", body, re.M):
            names = re.findall("`(.*?)`", first)
            keys += names
            perhaps += names if meaning.startswith("Only ") else []
        for pattern in re.findall("`(results/.*?)`", heading):
            yield Entry(pattern, body.strip().startswith("Only"), keys, perhaps)


ENTRIES = list(entries())


@pytest.fixture
def results(request: pytest.FixtureRequest) -> Path:
    found: Path = Path(GIVEN) if GIVEN else request.getfixturevalue("finished_results")
    return found


@pytest.fixture
def files(results: Path) -> dict[str, list[Path]]:
    """The files of each pattern; what no pattern is for stands under an empty one."""
    return by_pattern(results)


@cache
def by_pattern(results: Path) -> dict[str, list[Path]]:
    patterns = {entry.pattern: matcher(entry.pattern) for entry in ENTRIES}
    found: dict[str, list[Path]] = {"": []}
    for path in sorted(results.rglob("*")):
        if path.is_file() and path.name != ".snakemake_timestamp":
            name = path.relative_to(results.parent).as_posix()
            # the most exact pattern: the one with the most fixed letters
            fitting = [pattern for pattern, expression in patterns.items() if expression.fullmatch(name)]
            if name.endswith(".provenance.json"):
                fitting = ["results/<artefact>.provenance.json"]
            best = max(fitting, key=lambda pattern: len(re.sub("<.*?>", "", pattern)), default="")
            found.setdefault(best, []).append(path)
    return found


def test_every_file_is_documented(files: dict[str, list[Path]]) -> None:
    assert files[""] == []


@pytest.mark.skipif(bool(GIVEN), reason="a given run may hold a part of the results")
def test_every_documented_file_is_there(files: dict[str, list[Path]]) -> None:
    assert [e.pattern for e in ENTRIES if not e.optional and e.pattern not in files] == []


def test_every_figure_is_described(files: dict[str, list[Path]]) -> None:
    drawn = {path.stem for path in files["results/figures/<figure>.png"]}
    described = set(re.findall(r"^\| (\w+) \| [^|]+ \| [^|]+ \|$", PAGE, re.M))
    assert drawn <= described


def fits(pattern: str, key: str) -> bool:
    return matcher(pattern).fullmatch(key) is not None


def documented(entry: Entry, key: str) -> bool:
    plain = [key, *(key.removesuffix(suffix) for suffix in SUFFIXES if entry.pattern.endswith(".csv"))]
    return any(fits(pattern, name) for pattern in entry.keys for name in plain)


def paths(value: Any, entry: Entry, path: str = "") -> Iterator[str]:
    """The keys of a JSON object, down to where the page describes them."""
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        deeper = [key for key in entry.keys if key.count(".") > here.count(".")]
        if isinstance(inner, dict) and any(
            fits(k.rsplit(".", k.count(".") - here.count("."))[0], here) for k in deeper
        ):
            yield from paths(inner, entry, here)
            if documented(entry, here):
                yield here
        else:
            yield here


def held(path: Path, entry: Entry) -> set[str]:
    """The columns or keys of a file."""
    if path.suffix == ".csv":
        return set(pd.read_csv(path, nrows=1).columns)
    if path.suffix == ".tsv":
        return set(pd.read_csv(path, sep="\t", nrows=1).columns)
    if path.suffix == ".npz":
        return set(np.load(path).files)
    if path.suffix == ".jsonl":
        with open(path, encoding="utf-8") as file:
            return {key for line in file for key in json.loads(line)}
    content = json.loads(path.read_text(encoding="utf-8"))
    return set(paths(content, entry)) if isinstance(content, dict) else set()


DESCRIBED = [entry for entry in ENTRIES if entry.keys]


@pytest.mark.parametrize("entry", DESCRIBED, ids=[entry.pattern for entry in DESCRIBED])
def test_every_column_and_key_is_documented_and_there(entry: Entry, files: dict[str, list[Path]]) -> None:
    mine = files.get(entry.pattern, [])
    if not mine:
        pytest.skip("this run has no such file")
    every: set[str] = set()
    for path in mine:
        found = held(path, entry)
        every |= found
        assert {key for key in found if not documented(entry, key)} == set(), path
        always = [key for key in entry.keys if key not in entry.perhaps]
        one_kind = path.suffix in (".jsonl", ".csv", ".tsv", ".npz")
        missing = [key for key in always if not any(fits(key, name) for name in found)]
        assert missing == [] or (one_kind and not found), path
    assert [key for key in entry.keys if key not in entry.perhaps and not any(fits(key, k) for k in every)] == []

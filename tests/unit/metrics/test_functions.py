"""Metrics that are functions: the user's own, learned ones, and what they may return."""

import sys
from pathlib import Path

import pytest

from semalign.config.metrics import FunctionMetric, function_of
from semalign.encoder.training import train_encoder
from semalign.metrics.functions import load_metric
from semalign.metrics.scoring import score_pairs
from semalign.runtime.errors import InputError
from semalign.runtime.workspace import Workspace
from tests.unit.encoder.test_encoder import SYLLABLES, settings
from tests.unit.metrics.test_scoring import REFERENCES, TIBETAN, pairs

OWN = """
def exact(outputs, references, sources):
    return [float(a == b) for a, b in zip(outputs, references)]

def total(outputs, references, sources):
    return sum(map(len, outputs))

def short(outputs, references, sources):
    return [1.0]

def words(outputs, references, sources):
    return ["one" for _ in outputs]

def endless(outputs, references, sources):
    return [float("inf") for _ in outputs]

def fails(outputs, references, sources):
    return 1 / 0

def two(outputs, references):
    return []

def learned(outputs, references, sources, model, device):
    weight = float(model.read_text())
    return [weight * len(text) for text in outputs]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def entry(name: str, model: Path | None = None) -> FunctionMetric:
    return FunctionMetric(name="own", function=name, model=model)


def test_a_figure_an_item_has_a_mean_a_floor_and_a_signature(folder: Path) -> None:
    own = function_of("own:exact")
    assert own is not None
    outputs = [REFERENCES[0], "书", REFERENCES[2]]
    functions = {"own:exact": load_metric(own, folder, "cpu")}
    scores, items = score_pairs(pairs(outputs), ["own:exact", "bleu"], TIBETAN, functions)
    assert (scores["metric"], scores["metrics"]) == ("own:exact", ["own:exact", "bleu"])
    assert scores["own:exact"]["value"] == pytest.approx(2 / 3)
    assert (scores["own:exact"]["floor"], scores["own:exact"]["n"]) == (0, 3)  # no answer is the next reference
    assert scores["own:exact"]["signature"].startswith("own:exact|mean|sha256:")
    assert [item["own:exact"] for item in items] == [1, 0, 1]


def test_a_figure_of_the_whole_has_none_by_item(folder: Path) -> None:
    functions = {"own": load_metric(entry("own:total"), folder, "cpu")}
    scores, items = score_pairs(pairs(["abc", "de", ""]), ["bleu", "own"], TIBETAN, functions)
    assert scores["own"]["value"] == 5
    assert "|corpus|" in scores["own"]["signature"]
    assert "own" not in items[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own:short", "returned 1 figures for 3 outputs"),
        ("own:words", "returned 'one' for"),
        ("own:endless", "a finite number is needed"),
        ("own:fails", "own.py:18: ZeroDivisionError"),
    ],
)
def test_what_is_no_score_is_refused(folder: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match="metric own:") as raised:
        load_metric(entry(name), folder, "cpu").measure(["a"] * 3, ["b"] * 3, ["c"] * 3)
    assert said in str(raised.value)


def test_a_function_of_two_lists_cannot_be_a_metric(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"two\(outputs, references\) cannot be called as two\(outputs, references, so"
    ):
        load_metric(entry("own:two"), folder, "cpu")


def test_a_learned_metric_is_given_its_model(folder: Path) -> None:
    (folder / "weight").write_text("2")
    metric = load_metric(entry("own:learned", folder / "weight"), folder, "cpu")
    values = metric.measure(["ab", ""], ["x", "y"], ["s", "t"])
    assert values == [4, 0]
    assert "|model:weight|model_sha256:d4735e3a265e16ee" in metric.signature(values)  # of "2"


def test_the_cosine_of_a_tiny_encoder(folder: Path) -> None:
    (folder / "lexicon.txt").write_text("\n".join(SYLLABLES) + "\n", encoding="utf-8")
    rows = [{"anchor": SYLLABLES[0], "positive": SYLLABLES[1]}] * 40
    untrained = settings(folder / "lexicon.txt", epochs=0)  # random weights
    train_encoder(untrained, rows, folder / "encoder", Workspace(folder / "work", 3600))
    metric = load_metric(entry("semalign.encoder.metric:cosine", folder / "encoder"), folder, "cpu")
    values = metric.measure([SYLLABLES[3], "", SYLLABLES[4]], [SYLLABLES[3]] * 3, [""] * 3)
    assert isinstance(values, list)
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert values[1] == 0
    assert -1 <= values[2] < 1


def comet(folder: Path) -> FunctionMetric:
    (folder / "model.ckpt").write_bytes(b"")
    return entry("semalign.metrics.comet:comet", folder / "model.ckpt")


def test_comet_says_how_to_install_it(folder: Path) -> None:
    with pytest.raises(InputError, match=r"has no unbabel-comet \(No module named 'comet'\); install it into an env"):
        load_metric(comet(folder), folder, "cpu").measure(["a"], ["b"], ["c"])


def test_an_interpreter_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMALIGN_COMET_PYTHON", str(folder / "none"))
    with pytest.raises(InputError, match=r"SEMALIGN_COMET_PYTHON: .*none cannot be run: No such file"):
        load_metric(comet(folder), folder, "cpu").measure(["a"], ["b"], ["c"])


def test_comet_is_given_sources_answers_and_references(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in of the package's two calls: what passes between the processes is ours."""
    packages = folder / "packages"
    (packages / "comet").mkdir(parents=True)
    (packages / "comet" / "__init__.py").write_text(
        "from types import SimpleNamespace\n"
        "class Scorer:\n"
        "    def predict(self, rows, **options):\n"
        "        print('a line of its own')\n"
        "        values = [len(r['src']) + 10 * len(r['mt']) + 100 * len(r['ref']) for r in rows]\n"
        "        return SimpleNamespace(scores=values)\n"
        "def load_from_checkpoint(path, local_files_only):\n"
        "    assert path.endswith('model.ckpt')\n"
        "    return Scorer()\n"
    )
    (packages / "unbabel_comet-2.2.7.dist-info").mkdir()
    (packages / "unbabel_comet-2.2.7.dist-info" / "METADATA").write_text("Name: unbabel-comet\nVersion: 2.2.7\n")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    metric = load_metric(comet(folder), folder, "cpu")
    values = metric.measure(["aa", ""], ["b", "bbb"], ["ccc", "c"])
    assert values == [123, 301]
    assert metric.signature(values).endswith("|unbabel-comet:2.2.7")

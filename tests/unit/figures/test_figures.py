"""Figures drawn from small results: what stands in them, that they repeat, and that text is never boxes."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from semalign.figures import fonts, style
from semalign.figures.auditing import PANELS, audit
from semalign.figures.encoder import encoder
from semalign.figures.frontier import frontier
from semalign.figures.likelihood import likelihood
from semalign.figures.points import tick_similarities, tradeoff
from semalign.figures.training import reward, rollouts
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json, write_jsonl
from tests.conftest import ROOT
from tests.unit.scored import CMRC

MODELS = ["base", "cold_sft", "strong_sft", "rl"]
TIBETAN = "སྒྲུབ་བརྒྱུད།"
GRADES: dict[str, dict[str, Any]] = {
    "paraphrase": {"n": 3, "mean": 0.9, "p10": 0.85, "median": 0.9, "p90": 0.95},
    "clause_replaced": {"n": 0, "mean": None, "p10": None, "median": None, "p90": None},
    "random": {"n": 3, "mean": 0.1, "p10": -0.1, "median": 0.1, "p90": 0.2},
}
NEGATIVES = {"negated": {"n": 3, "share": 1.0, "mean": 0.5}, "reordered": {"n": 0, "share": None, "mean": None}}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, seeds 0 and 1, of everything that figures read."""
    folder = tmp_path_factory.mktemp("results")
    runs = ["base", *(f"{task}/{model}/{seed}" for task in ("mt", "hg") for model in MODELS[1:] for seed in (0, 1))]
    for number, run in enumerate(runs):
        scores = {"value": 0.1 + number / 20}
        cmrc = {"avg": 99 - number, "f1": 99, "em": 99, "answer_length": 2}
        own = {
            "metric": "chrf",
            "metrics": ["chrf"],
            "chrf": scores,
            "bleu_char": scores,
            "language_consistency": scores,
        }
        write_json(folder / run / "scores" / "text.json", {"mt": own, "hg": own, "cmrc": cmrc})
        encoders = {"reward": scores, "independent": scores}
        write_json(folder / run / "scores" / "similarity.json", {"mt": encoders, "hg": encoders})
        tokens = np.linspace(0.001, 5, 50, dtype=np.float32) * (1 + number / 10)
        np.savez(folder / run / "likelihood.npz", nll=tokens, kl=tokens / 10, noise=tokens / 1e9)
        if "/rl/" in run:
            logged = [
                {"step": i, "reward": 1 + i / 10, "rewards/similarity/mean": i / 20, "completions/mean_length": 12}
                for i in range(1, 8)
            ]
            write_jsonl(folder / run / "training.jsonl", [*logged, {"step": 7, "train_runtime": 3.0}])
            signs = {"off_script": 0.01, **dict.fromkeys(PANELS, 0.1)}
            write_jsonl(folder / run / "audit.jsonl", [{"step": i} | signs for i in (0, 3, 6)])
    return folder


def examined(results: Path, reference: str) -> Path:
    """The results with the exams of both encoders, which ask about this reference."""
    example = {"reference": reference, "candidate": TIBETAN, "similarity": 0.5}
    examples = {grade: example if entry["n"] else None for grade, entry in GRADES.items()}
    for name in ("reward", "independent"):
        report = {"grades": GRADES, "examples": examples, "inequalities": NEGATIVES}
        write_json(results / "encoders" / name / "exam.json", report)
    return results


def frontier_table(results: Path) -> Path:
    rows = [
        {
            "task": "mt",
            "method": method,
            "place": place,
            "strength": strength,
            "model": f"{method}-{strength}",
            "seed": seed,
            "similarity_independent": 0.4 + strength / 1000 + seed / 50,
            "cmrc_avg": 99 - strength / 100,
            "kl_mean": strength / 1000,
        }
        for method, strengths in (("sft", (0, 300)), ("rl", (50, 100)))
        for place, strength in enumerate(strengths)
        for seed in (0, 1)
    ]
    pd.DataFrame(rows).to_csv(results / "frontier.csv", index=False)
    return results / "frontier.csv"


TITLES = {"mt": "translation", "hg": "headlines"}


def width(png: Path) -> float:
    """Inches at 300 dpi, from the file's header."""
    return int.from_bytes(png.read_bytes()[16:20], "big") / 300


def draw(name: str, results: Path, tasks: list[str], seeds: list[int], folder: Path) -> tuple[Path, str]:
    """The picture of that name, and its words, from the SVG."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    files, titles = (str(png), str(svg)), {task: TITLES[task] for task in tasks}
    drawings: dict[str, Callable[[], None]] = {
        "reward": lambda: reward(results, *files, tasks=titles, seeds=seeds, rewards={"similarity": 1.5}),
        "rollouts": lambda: rollouts(results, *files, tasks=titles, seeds=seeds),
        "audit": lambda: audit(results, *files, tasks=titles, seeds=seeds),
        "tradeoff": lambda: tradeoff(results, *files, tasks=titles, models=MODELS, seeds=seeds, primary=CMRC),
        "likelihood": lambda: likelihood(results, *files, tasks=titles, models=MODELS, seeds=seeds),
        "frontier": lambda: frontier(frontier_table(results).parent, *files, tasks=TITLES, primary=CMRC),
        "encoder": lambda: encoder(examined(results, TIBETAN), *files),
    }
    drawings[name]()
    return png, " ".join(re.findall(r"<!-- (.*?) -->", svg.read_text("utf-8"), re.DOTALL))


LABELS = {
    "reward": ["update step", "rollouts (points)", "similarity (weight 1.5)", "not smoothed", "thin: seeds"],
    "rollouts": ["update step", "rollouts (tokens)", "rollouts (%)"],
    "audit": ["update step", "repeated 4-grams", "prompts of equal", "translation", "headlines", "thin: seeds"],
    "tradeoff": ["(cosine, independent encoder)", "(CMRC AVG, %)", "strong SFT"],
    "likelihood": ["NLL (nats per token)", "KL to the base (nats per token, log scale)", "tokens at or below (%)"],
    "frontier": ["(cosine, independent encoder)", "(CMRC AVG, %)", "(nats per token)", "50", "100"],
    "encoder": ["similarity to the reference (cosine)", "% of items)", "paraphrase", "negated", TIBETAN],
}


@pytest.mark.parametrize("name", LABELS)
def test_axes_say_what_they_show_in_which_unit(name: str, results: Path, tmp_path: Path) -> None:
    png, words = draw(name, results, ["mt", "hg"], [0, 1], tmp_path)
    for label in LABELS[name]:
        assert label in words
    assert width(png) == (style.SINGLE if name == "frontier" else style.DOUBLE)  # its table has one task


@pytest.mark.parametrize("name", ["reward", "rollouts", "tradeoff", "likelihood"])
def test_one_seed_of_one_task_fits_one_column(name: str, results: Path, tmp_path: Path) -> None:
    png, words = draw(name, results, ["hg"], [1], tmp_path)
    assert width(png) == style.SINGLE
    assert "headlines" in words
    assert "thin: seeds" not in words


@pytest.mark.parametrize(("drawn", "last"), [((0.9, 1.0), 1.0), ((1.0, 1.0), 1.0), ((0.2, 0.8), 0.8)])
def test_no_tick_lies_beyond_a_similarity_of_one(drawn: tuple[float, float], last: float) -> None:
    axes = Figure().add_subplot()
    axes.scatter(drawn, (0, 1))
    tick_similarities(axes)
    assert max(axes.get_xticks()) == pytest.approx(last)


def test_frontier_names_every_method_where_it_stands(results: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(frontier_table(results))
    own = rows[rows["method"] == "rl"]
    others = [own.assign(method=name, cmrc_avg=own["cmrc_avg"] + n + 1) for n, name in enumerate(("dpo", "kl_sft"))]
    pd.concat([rows, *others]).to_csv(tmp_path / "frontier.csv", index=False)
    frontier(tmp_path, str(tmp_path / "a.png"), str(tmp_path / "a.svg"), tasks=TITLES, primary=CMRC)
    words = re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text("utf-8"), re.DOTALL)
    for name in ("RL", "dpo", "kl sft"):
        assert words.count(name) == 2  # beside its curve, by each cost, and in no legend
    assert words.count("SFT") == 1  # none of its points lies around the band: the legend has it
    height = int.from_bytes((tmp_path / "a.png").read_bytes()[20:24], "big") / 300
    assert height < 7


@pytest.mark.parametrize(("furthest", "insets"), [(0.9, True), (0.53, False)])
def test_frontier_has_an_inset_where_points_lie_far_from_the_band(
    furthest: float, insets: bool, results: Path, tmp_path: Path
) -> None:
    rows = pd.read_csv(frontier_table(results))
    rows.loc[rows["method"] == "sft", "similarity_independent"] = [0.45, 0.45, furthest, furthest]
    rows.to_csv(tmp_path / "frontier.csv", index=False)
    frontier(tmp_path, str(tmp_path / "a.png"), str(tmp_path / "a.svg"), tasks=TITLES, primary=CMRC)
    assert ("inset: all points" in (tmp_path / "a.svg").read_text("utf-8")) is insets


def test_frontier_without_kl_has_one_row(results: Path, tmp_path: Path) -> None:
    pd.read_csv(frontier_table(results)).assign(kl_mean=None).to_csv(tmp_path / "frontier.csv", index=False)
    frontier(tmp_path, str(tmp_path / "a.png"), str(tmp_path / "a.svg"), tasks=TITLES, primary=CMRC)
    assert "KL" not in (tmp_path / "a.svg").read_text("utf-8")


def test_figures_follow_the_readers_colour_scheme(results: Path, tmp_path: Path) -> None:
    draw("tradeoff", results, ["mt"], [0], tmp_path)
    svg = (tmp_path / "tradeoff.svg").read_text("utf-8")
    style_of, drawn = re.findall(r"@media \(prefers-color-scheme: dark\) {.*}", svg), svg.partition("</style>")[2]
    assert len(style_of) == 1
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawn))
    assert {"#ffffff", "#0072b2"} <= used
    assert "#ffffff" in style_of[0]


def test_grades_without_items_are_left_out(results: Path, tmp_path: Path) -> None:
    _, words = draw("encoder", results, [], [], tmp_path)
    assert "clause replaced" not in words
    assert "reordered" not in words


def test_same_bytes_in_another_process_and_no_torch(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from semalign.figures import encoder, likelihood, points, training; "
        "results, folder = map(pathlib.Path, sys.argv[1:]); "
        "encoder.encoder(results, str(folder / 'a.png'), str(folder / 'a.svg')); "
        "sys.exit('torch' in sys.modules)"
    )
    here, there = tmp_path / "here", tmp_path / "there"
    encoder(examined(tmp_path, TIBETAN), str(here / "a.png"), str(here / "a.svg"))
    command = [sys.executable, "-c", program, str(tmp_path), str(there)]
    subprocess.run(command, check=True, cwd=ROOT / "workflow" / "scripts")
    for file in ("a.png", "a.svg"):
        assert (here / file).read_bytes() == (there / file).read_bytes()


def test_tibetan_takes_the_shipped_font() -> None:
    found = fonts.written(f"{TIBETAN} abc 1")
    assert found.text == f"{TIBETAN} abc 1"
    assert str(fonts.TIBETAN) in found.families[0]


def test_text_that_no_font_has_is_left_out_and_says_so() -> None:
    assert fonts.written(f"{TIBETAN}中文", [fonts.TIBETAN]) == ("(no font for Han)", [fonts.DEFAULT])
    assert fonts.written("中文 བོད", []) == ("(no font for Han, Tibetan)", [fonts.DEFAULT])


def test_line_breaks_and_invisible_characters_need_no_font() -> None:
    assert fonts.written("a\nb\u200bc\ufeff", []).text == "a bc"


def test_no_boxes_in_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: [])  # a machine without fonts
    encoder(examined(tmp_path, "中文"), str(tmp_path / "a.png"), str(tmp_path / "a.svg"))
    assert "<!-- (no font for Han) -->" in (tmp_path / "a.svg").read_text("utf-8")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_label_that_no_font_has_is_an_error(tmp_path: Path) -> None:
    logged = [{"step": i, "reward": 1, "rewards/m:相似/mean": 1} for i in (1, 2)]
    write_jsonl(tmp_path / "mt" / "rl" / "0" / "training.jsonl", logged)
    png = tmp_path / "a.png"
    files = (str(png), str(tmp_path / "a.svg"))
    with pytest.raises(InputError, match=r"a\.png: Glyph .* Rename"):
        reward(tmp_path, *files, tasks={"mt": "translation"}, seeds=[0], rewards={"m:相似": 1.0})
    assert not png.exists()


def test_long_examples_are_cut(tmp_path: Path) -> None:
    encoder(examined(tmp_path, TIBETAN * 30), str(tmp_path / "a.png"), str(tmp_path / "a.svg"))
    shown = re.findall(r"<!-- (སྒྲུབ.*?…) -->", (tmp_path / "a.svg").read_text("utf-8"))
    assert shown
    assert all(len(TIBETAN) * 3 < len(text) < len(TIBETAN) * 15 for text in shown)


def test_run_without_steps_is_named(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "mt" / "rl" / "0" / "training.jsonl", [{"train_runtime": 1.0}])
    with pytest.raises(InputError, match=r"mt/rl/0/training\.jsonl: no line has 'reward'"):
        draw("reward", tmp_path, ["mt"], [0], tmp_path)


def test_curve_is_a_centred_mean() -> None:
    assert [style.window(n) for n in (1, 24, 50, 75, 250)] == [1, 1, 3, 3, 11]

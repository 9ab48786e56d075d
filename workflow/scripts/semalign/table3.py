"""Table 3 (the trade-off): task metric, similarity, reading comprehension and judge, for each task and model.

Every figure is a mean over seeds with its standard deviation (ddof 1; empty for one seed, as for the base, which is
one and shared by all seeds). The row `gap` is rl − strong_sft, taken seed by seed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from semalign.files import read_json

FIGURES = [
    "metric",
    "similarity",
    "similarity_independent",
    "cmrc_avg",
    "cmrc_f1",
    "cmrc_em",
    "judge_win",
    "content",
    "chrf",
    "bleu_char",
    "cmrc_answer_length",
]
DIGITS = {"cmrc_avg": 2, "cmrc_f1": 2, "cmrc_em": 2, "judge_win": 1, "cmrc_answer_length": 1}
SHOWN = ["metric", "similarity", "similarity_independent", "cmrc_avg", "cmrc_f1", "cmrc_em", "judge_win", "content"]

Figures = dict[str, float | None]


@dataclass
class Scores:
    """Figures by (task, model) and seed, and what the sidecar tells about them."""

    metric_names: dict[str, str] = field(default_factory=dict)
    figures: dict[tuple[str, str], dict[str, Figures]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def sidecar(self) -> dict[str, Any]:
        """n, signatures, floors and counts of every run; the figures of every seed."""
        by_seed = {f"{task}/{model}": values for (task, model), values in self.figures.items()}
        return {"figures_by_seed": by_seed, "runs": self.details}


def collect(results: Path, tasks: list[str], models: list[str], seeds: list[int], judged: bool) -> Scores:
    """Read the scores of the base and of every task, model and seed."""
    scores = Scores()
    for task in tasks:
        _add(scores, results, task, "base", None, None)
        for seed in seeds:
            judge = read_json(results / task / "judge" / f"{seed}.json") if judged else None
            if judge:
                scores.details[f"{task}/judge/{seed}"] = judge
            for model in models:
                _add(scores, results, task, model, seed, judge)
    return scores


def _add(scores: Scores, results: Path, task: str, model: str, seed: int | None, judge: dict[str, Any] | None) -> None:
    run = model if seed is None else f"{task}/{model}/{seed}"
    text = read_json(results / run / "scores" / "text.json")
    similarity = read_json(results / run / "scores" / "similarity.json")
    scores.details[run] = {"text": text, "similarity": similarity}
    scores.metric_names[task] = text[task]["metric"]
    cmrc = text["cmrc"]
    figures: Figures = {
        "metric": text[task][text[task]["metric"]]["value"],
        "similarity": similarity[task]["reward"]["value"],
        "similarity_independent": similarity[task]["independent"]["value"],
        "cmrc_avg": cmrc["avg"],
        "cmrc_f1": cmrc["f1"],
        "cmrc_em": cmrc["em"],
        "judge_win": judge["win"].get(model) if judge else None,
        "content": text[task]["content"]["value"] if "content" in text[task] else None,
        "chrf": text[task]["chrf"]["value"],
        "bleu_char": text[task]["bleu_char"]["value"],
        "cmrc_answer_length": cmrc["answer_length"],
    }
    scores.figures.setdefault((task, model), {})["" if seed is None else str(seed)] = figures


def _gap(rl: dict[str, Figures], strong: dict[str, Figures]) -> dict[str, Figures]:
    def difference(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a - b

    return {seed: {name: difference(rl[seed][name], strong[seed][name]) for name in FIGURES} for seed in rl}


def rows(scores: Scores) -> pd.DataFrame:
    """The table: one row a task and model, `_sd` beside each figure, figures 0..1 or percent as in the paper."""
    table = []
    with_gap = dict(scores.figures)
    for task in scores.metric_names:
        with_gap[task, "gap"] = _gap(scores.figures[task, "rl"], scores.figures[task, "strong_sft"])
    for task, metric_name in scores.metric_names.items():
        for (row_task, model), by_seed in with_gap.items():
            if row_task != task:
                continue
            frame = pd.DataFrame(by_seed.values(), columns=FIGURES, dtype=float)
            row: dict[str, Any] = {"task": task, "model": model, "metric_name": metric_name}
            for name in FIGURES:
                row |= {name: frame[name].mean(), f"{name}_sd": frame[name].std(ddof=1)}
            row["seeds"] = len(by_seed)
            table.append(row)
    return pd.DataFrame(table).round(6)


def markdown(table: pd.DataFrame) -> str:
    """The table for reading: mean, ± sd where there are seeds to take it over."""

    def cell(row: pd.Series, name: str) -> str:
        if pd.isna(row[name]):
            return ""
        digits = DIGITS.get(name, 4)
        sign = "+" if row["model"] == "gap" else ""
        spread = "" if pd.isna(row[f"{name}_sd"]) else f" ± {row[f'{name}_sd']:.{digits}f}"
        return f"{row[name]:{sign}.{digits}f}{spread}"

    lines = ["| task | model | " + " | ".join(SHOWN) + " |", "|---" * (len(SHOWN) + 2) + "|"]
    for _, row in table.iterrows():
        metric = f" ({row['metric_name']})"
        cells = [cell(row, name) for name in SHOWN]
        lines.append(f"| {row['task']}{metric} | {row['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n" + note(int(table["seeds"].max())) + "\n"


def note(seeds: int) -> str:
    """What a reader must know before comparing rows."""
    spread = "± is the standard deviation over seeds (ddof 1). " if seeds > 1 else "One seed: no spread can be given. "
    return (
        f"{spread}gap = rl − strong_sft. similarity is by the rewarding encoder, similarity_independent by one that "
        "never rewarded. CMRC and judge figures are percent; a win needs both orders to agree, the rest are ties or "
        "the other's wins. content is the share of the source's facts that an answer tells, read by the miniature's "
        "parser. Seeds, n, signatures, floors and counts stand in the sidecar. Three seeds prove nothing by "
        "themselves: the smallest two-sided p of a rank test of three runs against three is 0.10."
    )

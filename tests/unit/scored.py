"""Scores of runs written by hand, for tests of what reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from semalign.statistics.retained import Retained

CLEAN: dict[str, Any] = {
    **dict.fromkeys(
        ("over_use", "unused", "lost", "unused_of_all", "divergence", "divergence_by_chance", "truncated"), 0.0
    ),
    **dict.fromkeys(("repeated", "copied", "duplicates", "off_script", "empty"), 0.0),
    "n": 2,
    "over_used": "",
    "over_used_in": {"outputs": 0, "references": 0},
    "length_ratio": 1.0,
}
"""The audit's figures of answers in which there is nothing to find."""

CMRC = Retained("cmrc", "extractive", ["avg", "f1", "em"])
"""The benchmark of `write_run`."""


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_run(results: Path, run: str, tasks: list[str], values: list[float], em: list[float] | None = None) -> None:
    """A run whose figures on item i are `values[i]` (ROUGE-L is the metric), and whose questions are right by `em`.

    Two questions share a passage. Percentages are a hundred times the mean of `em`.
    """
    em = em if em is not None else [100.0] * 4
    mean = sum(values) / len(values)
    one = {"value": mean}
    own: dict[str, Any] = {
        "metric": "rouge_l",
        "metrics": ["rouge_l"],
        "rouge_l": one,
        "chrf": one,
        "bleu_char": one,
        "content": one,
    }
    own |= {"language_consistency": mean, "n": len(values), "collapse": CLEAN}
    cmrc = dict.fromkeys(("avg", "f1", "em"), sum(em) / len(em)) | {"answer_length": 2.0, "n": len(em)}
    folder = results / run / "scores"
    folder.mkdir(parents=True)
    (folder / "text.json").write_text(json.dumps({**dict.fromkeys(tasks, own), "cmrc": cmrc}))
    similarity = {task: {"reward": one, "independent": one} for task in tasks}
    (folder / "similarity.json").write_text(json.dumps(similarity))
    text, similar = [], []
    for task in tasks:
        for i, value in enumerate(values):
            named = {"testset": task, "id": str(i)}
            text.append(named | {"rouge_l": value, "content": value, "language_consistency": value})
            similar.append(named | {"reward": value, "independent": value})
    text += [{"testset": "cmrc", "id": f"q{i}", "group": f"p{i // 2}", "em": e, "f1": e} for i, e in enumerate(em)]
    write_lines(folder / "text.jsonl", text)
    write_lines(folder / "similarity.jsonl", similar)


def name_metrics(results: Path, run: str, task: str, metrics: list[str]) -> None:
    """Of a run of `write_run` the task's metrics; a further one that is not there has the figures of ROUGE-L."""
    folder = results / run / "scores"
    scores = json.loads((folder / "text.json").read_text(encoding="utf-8"))
    scores[task] |= {"metric": metrics[0], "metrics": metrics}
    scores[task] = dict.fromkeys(metrics, scores[task]["rouge_l"]) | scores[task]
    (folder / "text.json").write_text(json.dumps(scores), encoding="utf-8")
    rows = [json.loads(line) for line in (folder / "text.jsonl").read_text(encoding="utf-8").splitlines()]
    own = [name for name in metrics if ":" in name]
    write_lines(
        folder / "text.jsonl",
        [row | (dict.fromkeys(own, row["rouge_l"]) if row["testset"] == task else {}) for row in rows],
    )


def write_judge(
    results: Path,
    task: str,
    comparison: int | str,
    winners: list[int],
    unparsed: int = 0,
    models: tuple[str, str] = ("strong_sft", "rl"),
) -> None:
    """Verdicts: 1 the first model, 2 the second, 0 a tie; and so many items without one."""
    found: list[int | None] = [*winners, *[None] * unparsed]
    write_lines(
        results / task / "judge" / f"{comparison}.jsonl",
        [{"id": str(i), "winner": winner} for i, winner in enumerate(found)],
    )
    share = {winner: 100 * found.count(winner) / len(found) for winner in (0, 1, 2, None)}
    summary = {
        "win": {models[0]: share[1], models[1]: share[2]},
        "tie": share[0],
        "unparsed": share[None],
        "n": len(found),
    }
    (results / task / "judge" / f"{comparison}.json").write_text(json.dumps(summary))


def write_likelihood(results: Path, run: str, nll: list[float], kl: list[float] | None) -> None:
    """NLL and KL of tokens, two a passage; for the base (no KL) a noise floor of zeros."""

    def spread(values: list[float]) -> dict[str, float]:
        low, median, high = np.percentile(values, [10, 50, 90])
        return {"mean": float(np.mean(values)), "median": float(median), "p10": float(low), "p90": float(high)}

    folder = results / run
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"nll": np.array(nll, np.float32), "passage": np.arange(len(nll), dtype=np.int32) // 2}
    arrays["noise" if kl is None else "kl"] = np.array(kl if kl is not None else [0.0] * len(nll), np.float32)
    np.savez(folder / "likelihood.npz", **arrays)
    content = {"nll": spread(nll), "kl": spread(kl) if kl else None, "n": len(nll)}
    content["noise_floor"] = None if kl else spread([0.0])
    (folder / "likelihood.json").write_text(json.dumps(content))

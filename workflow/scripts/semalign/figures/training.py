"""Training curves: rewards, and what rollouts look like, over the steps of RL."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd

from semalign.figures import style
from semalign.figures.style import Line, Look, curves, grid, legend_above, note, picture, smoothing, width_for
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_jsonl

LENGTH = "completions/mean_length"
REWARD = Look("reward (weighted sum)", style.BLACK, "", "-")
PARTS: list[tuple[str, Line]] = [
    (style.BLUE, "--"),
    (style.VERMILLION, "-."),
    (style.GREEN, ":"),
    (style.PURPLE, (0, (6, 1, 1, 1, 1, 1))),
]


def steps(path: Path, keys: Sequence[str]) -> pd.DataFrame:
    """These figures by step, from JSON lines; lines without the first one (a summary) are passed over.

    Raises InputError where no line has the first figure, or a line has not all of them.
    """
    rows = [row for row in read_jsonl(path) if keys[0] in row]
    if not rows:
        raise InputError(f"{path}: no line has {keys[0]!r}; was the run stopped? Remove the file to train again")
    for key in ("step", *keys):
        if any(key not in row for row in rows):
            raise InputError(f"{path}: a line with {keys[0]!r} has no {key!r}; remove the file to make it again")
    return pd.DataFrame(rows).set_index("step")[list(keys)].astype(float)


def reward(
    results: Path, png: str, svg: str, *, tasks: Mapping[str, str], seeds: Sequence[int], rewards: dict[str, float]
) -> None:
    """Mean reward of a step's completions and its parts, each between its own bounds, not yet weighted.

    `rewards` are the weights by name. Reads results/<task>/rl/<seed>/training.jsonl.
    """
    looks = {"reward": REWARD} | {
        f"rewards/{name}/mean": Look(f"{name} (weight {weight:g})", colour, "", line)
        for (name, weight), (colour, line) in zip(rewards.items(), cycle(PARTS), strict=False)
    }
    with picture(png, svg, width_for(len(tasks)), 2.5) as figure:
        panels = grid(figure, 1, list(tasks.values()), sharey=True)[0]
        for axes, task in zip(panels, tasks, strict=True):
            runs = [steps(results / task / "rl" / str(seed) / "training.jsonl", list(looks)) for seed in seeds]
            for key, look in looks.items():
                curves(axes, [run[key] for run in runs], look)
            axes.set_xlabel("update step")
        panels[0].set_ylabel("mean over a step's\nrollouts (points)")
        note(figure, smoothing(len(runs[0])), _seeds(seeds))
        legend_above(figure, panels[0], 4 if len(tasks) > 1 else 2)


def rollouts(results: Path, png: str, svg: str, *, tasks: Mapping[str, str], seeds: Sequence[int]) -> None:
    """Length of a step's completions, and the share of them that leave the language's script.

    Reads results/<task>/rl/<seed>/training.jsonl and audit.jsonl beside it.
    """
    look = style.MODELS["rl"]
    with picture(png, svg, width_for(len(tasks)), 3.6) as figure:
        lengths, shares = grid(figure, 2, list(tasks.values()), sharex="col", sharey="row")
        for top, bottom, task in zip(lengths, shares, tasks, strict=True):
            folders = [results / task / "rl" / str(seed) for seed in seeds]
            length = [steps(f / "training.jsonl", [LENGTH])[LENGTH] for f in folders]
            off_script = [steps(f / "audit.jsonl", ["off_script"])["off_script"] * 100 for f in folders]
            curves(top, length, look)
            curves(bottom, off_script, look)
            bottom.set_xlabel("update step")
        lengths[0].set_ylim(0, 1.05 * max(axes.dataLim.ymax for axes in lengths))
        most = max(5.0, *(axes.dataLim.ymax for axes in shares))  # a share near none is seen to be near none
        shares[0].set_ylim(-0.03 * most, 1.05 * most)
        lengths[0].set_ylabel("mean length of\nrollouts (tokens)")
        shares[0].set_ylabel("off-script\nrollouts (%)")
        note(
            figure,
            f"length: {smoothing(len(length[0]))}",
            f"off-script: {smoothing(len(off_script[0]))}",
            _seeds(seeds),
        )


def _seeds(seeds: Sequence[int]) -> str:
    return "thin: seeds, thick: their mean" if len(seeds) > 1 else ""

"""The reward audit of RL over its steps: signs that the reward is gamed, each in a panel, a line a task."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from semalign.figures import style
from semalign.figures.style import DOUBLE, Look, curves, legend_above, look_of, note, picture, smoothing
from semalign.figures.training import steps

PANELS = {
    "length_ratio": "length over\nreference's length",
    "encoder_gap": "reward minus\nindependent cosine",
    "repeated_4grams": "repeated 4-grams\n(share)",
    "distinct_2": "distinct bigrams\n(share)",
    "copied": "longest copy of the\nsource (share of output)",
    "zero_variance_groups": "prompts of equal\nrewards (share)",
}
LOOKS = [(style.BLUE, "-"), (style.VERMILLION, "--")]


def audit(results: Path, png: str, svg: str, *, tasks: Mapping[str, str], seeds: Sequence[int]) -> None:
    """Reads results/<task>/rl/<seed>/audit.jsonl; every panel's axis begins or ends at what no sign would show."""
    with picture(png, svg, DOUBLE, 3.8) as figure:
        panels = figure.subplots(2, 3, sharex=True).ravel()
        for axes, (key, label) in zip(panels, PANELS.items(), strict=True):
            for number, (task, title) in enumerate(tasks.items()):
                files = [results / task / "rl" / str(seed) / "audit.jsonl" for seed in seeds]
                by_seed = [steps(file, [key])[key] for file in files]
                curves(axes, by_seed, _look(title, number))
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 0.0), max(high, 1.05 if key == "length_ratio" else 0.05))
            axes.set_ylabel(label)
        for axes in panels[3:]:
            axes.set_xlabel("update step")
        legend_above(figure, panels[0], len(tasks))
        note(figure, smoothing(len(by_seed[0])), "thin: seeds, thick: their mean" if len(seeds) > 1 else "")


def _look(title: str, number: int) -> Look:
    spare = look_of(title, number)
    colour, line = LOOKS[number] if number < len(LOOKS) else (spare.colour, spare.line)
    return Look(title, colour, "", line)

"""Training curves that tell their values: a small SVG each, whose points have tooltips, without script or network."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from semalign.report import labels
from semalign.report.grids import number
from semalign.report.request import Request
from semalign.runtime.files import read_jsonl
from semalign.statistics import runs

WIDTH, HEIGHT, LEFT, BOTTOM, EDGE = 320, 170, 44, 24, 10  # of a chart, and of what is left free for its axes
POINTS = 60  # of a line, at most: more are averaged
FIGURES = {"rl": ("reward", "mean reward"), "strong_sft": ("loss", "loss"), "cold_sft": ("loss", "loss")}
Line = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """A training's figure along its steps, a line a seed."""

    title: str
    picture: Markup


def charts(request: Request) -> list[Chart]:
    """Of each task RL's reward and the losses of both SFTs, where the run has their records."""
    found = []
    for task, entry in request.tasks.items():
        for model, (name, called) in FIGURES.items():
            lines = {}
            for seed in request.seeds:
                path = f"results/{runs.name(task, model, seed)}/training.jsonl"
                rows = list(read_jsonl(request.root / path)) if path in request.artefacts else []
                line = [(float(row["step"]), float(row[name])) for row in rows if name in row and "step" in row]
                if line:
                    lines[seed] = _thinned(line)
            if lines:
                title = f"{labels.title(entry)}, {labels.model(model)}: {called}"
                found.append(Chart(title, _picture(title, called, lines)))
    return found


def _thinned(line: Line) -> Line:
    """Means over as many neighbours as leave POINTS or fewer."""
    size = -(-len(line) // POINTS)
    parts = [line[start : start + size] for start in range(0, len(line), size)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]


def _picture(title: str, called: str, lines: Mapping[int, Line]) -> Markup:
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    (left, right), (low, high) = (min(xs), max(xs)), (min(ys), max(ys))
    digits = 2 if high - low >= 0.1 else 4

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / ((right - left) or 1)
        up = (y - low) / ((high - low) or 1)
        return LEFT + across * (WIDTH - LEFT - EDGE), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - EDGE)

    parts = [_text(LEFT - 6, place(left, y)[1] + 4, "end", number(y, digits)) for y in dict.fromkeys((low, high))]
    parts += [
        _text(place(x, low)[0], HEIGHT - 6, side, f"{x:g}")
        for x, side in dict.fromkeys(((left, "start"), (right, "end")))
    ]
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 6, "middle", "step"))
    axis = f"M{LEFT} {EDGE}V{HEIGHT - BOTTOM}H{WIDTH - EDGE}"
    parts.append(Markup('<path class="axis" d="{}"/>').format(axis))
    for order, (seed, line) in enumerate(lines.items()):
        corners = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line)
        parts.append(Markup('<polyline class="line seed-{}" points="{}"/>').format(order % 4, corners))
        edges = [LEFT - 4.0, *((one + two) / 2 for one, two in pairwise(place(*point)[0] for point in line)), WIDTH]
        for point, (start, end) in zip(line, pairwise(edges), strict=True):
            x, y = place(*point)
            told = f"seed {seed}, step {point[0]:g}: {called} {number(point[1], 4)}"
            reach = max(min(x - start, end - x, 9.0), 3.0)
            parts.append(
                Markup(
                    '<g class="point"><circle class="reach" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'
                    '<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/><title>{told}</title></g>'
                ).format(x=x, y=y, r=reach, told=told)
            )
    return Markup('<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{t}">{b}</svg>').format(
        w=WIDTH, h=HEIGHT, t=title, b=Markup("").join(parts)
    )


def _text(x: float, y: float, anchor: str, words: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, words)

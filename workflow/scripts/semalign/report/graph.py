"""The DAG of a run's rules as a picture, from what its jobs read and made."""

from collections import Counter
from typing import Any

from markupsafe import Markup, escape

from semalign.report.layered import Edge, layout

Record = dict[str, Any]
WIDTH, HEIGHT = 146, 40  # of a node's room, and of its box
BOX, STEP = 132, 74  # a box's width; from one layer to the next
MARGIN = 12


def rule_edges(jobs: list[Record]) -> dict[Edge, int]:
    """{(rule, rule that reads what it made): how many pairs of jobs do}."""
    maker = {path: number for number, job in enumerate(jobs) for path in job["outputs"]}
    pairs = {(maker[path], number) for number, job in enumerate(jobs) for path in job["inputs"] if path in maker}
    return dict(Counter((jobs[one]["rule"], jobs[two]["rule"]) for one, two in sorted(pairs)))


def made_from(jobs: list[Record]) -> dict[str, list[str]]:
    """Each rule's own inputs: the rules that made them."""
    edges = rule_edges(jobs)
    return {rule: sorted(one for one, two in edges if two == rule) for rule in {job["rule"] for job in jobs}}


def picture(jobs: list[Record]) -> Markup:
    """An SVG of the rules with their numbers of jobs; colours are the page's."""
    count = Counter(job["rule"] for job in jobs)
    found = layout(rule_edges(jobs), list(count))
    places = {rule: _corner(*place) for rule, place in found.places.items()}
    lines = {**found.edges, **found.returns}
    right = [x + BOX for x, _ in places.values()]
    right += [MARGIN + x * WIDTH for line in lines.values() for x, _ in line]
    width, height = max(right) + MARGIN, max(y for _, y in places.values()) + HEIGHT + MARGIN
    edges = [_path(points, back=edge in found.returns) for edge, points in sorted(lines.items())]
    top_down = sorted(places, key=lambda rule: (places[rule][1], places[rule][0]))
    boxes = [_box(rule, count[rule], *places[rule]) for rule in top_down]
    body = Markup("").join([*edges, *boxes])
    about = f"{len(count)} rules and {len(jobs)} jobs, from the first input at the top to the last result at the bottom"
    return Markup(
        '<svg class="dag" xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img"'
        ' aria-label="{about}"><defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6"'
        ' markerHeight="6" orient="auto-start-reverse"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
        "{body}</svg>"
    ).format(w=round(width), h=round(height), about=about, body=body)


def _corner(x: float, layer: int) -> tuple[float, float]:
    return MARGIN + (x - 0.5) * WIDTH + (WIDTH - BOX) / 2, MARGIN + layer * STEP


def _path(points: list[tuple[float, int]], back: bool) -> Markup:
    """A smooth line from the foot of one box to the head of another, through its bends; or back up, dashed."""
    x, y = MARGIN + points[0][0] * WIDTH, MARGIN + points[0][1] * STEP + HEIGHT
    said = f"M{x:.1f} {y:.1f}"
    for place, layer in points[1:]:
        to, top = MARGIN + place * WIDTH, MARGIN + layer * STEP - 2
        half = (y + top) / 2
        said += f"C{x:.1f} {half:.1f} {to:.1f} {half:.1f} {to:.1f} {top:.1f}"
        x, y = to, top + 2 + HEIGHT
        said += f"L{x:.1f} {y:.1f}" if layer != points[-1][1] else ""
    return Markup('<path class="{}" d="{}"/>').format("edge back" if back else "edge", said)


def _box(rule: str, jobs: int, x: float, y: float) -> Markup:
    words = "1 job" if jobs == 1 else f"{jobs} jobs"
    middle = x + BOX / 2
    return Markup(
        '<g><rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="7"/>'
        '<text x="{m:.1f}" y="{a:.1f}">{rule}</text><text class="jobs" x="{m:.1f}" y="{b:.1f}">{words}</text></g>'
    ).format(x=x, y=y, w=BOX, h=HEIGHT, m=middle, a=y + 17, b=y + 32, rule=escape(rule), words=words)

"""The DAG of a run's rules as a picture, from what its jobs read and made."""

from collections import Counter
from typing import Any

from markupsafe import Markup, escape

from semalign.report.layered import Edge, Layout, layout

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
    width = max(x for x, _ in places.values()) + BOX + 2 * MARGIN + _room_for_returns(found)
    height = max(y for _, y in places.values()) + HEIGHT + 2 * MARGIN
    lines = [_path(points) for _, points in sorted(found.edges.items())]
    lines += [_return(places[one], places[two], width) for one, two in found.returns]
    boxes = [_box(rule, count[rule], *places[rule]) for rule in sorted(places)]
    body = Markup("").join([*lines, *boxes])
    about = f"{len(count)} rules and {len(jobs)} jobs, from the first input at the top to the last result at the bottom"
    return Markup(
        '<svg class="dag" xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img"'
        ' aria-label="{about}"><defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6"'
        ' markerHeight="6" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>{body}</svg>'
    ).format(w=round(width), h=round(height), about=about, body=body)


def _room_for_returns(found: Layout) -> int:
    return 40 if found.returns else 0


def _corner(x: float, layer: int) -> tuple[float, float]:
    return MARGIN + (x - 0.5) * WIDTH + (WIDTH - BOX) / 2, MARGIN + layer * STEP


def _path(points: list[tuple[float, int]]) -> Markup:
    """A smooth line from the foot of one box to the head of another, through the bends between them."""
    x, y = MARGIN + points[0][0] * WIDTH, MARGIN + points[0][1] * STEP + HEIGHT
    said = f"M{x:.1f} {y:.1f}"
    for place, layer in points[1:]:
        to, top = MARGIN + place * WIDTH, MARGIN + layer * STEP - 2
        half = (y + top) / 2
        said += f"C{x:.1f} {half:.1f} {to:.1f} {half:.1f} {to:.1f} {top:.1f}"
        x, y = to, top + 2 + HEIGHT
        said += f"L{x:.1f} {y:.1f}" if layer != points[-1][1] else ""
    return Markup('<path class="edge" d="{}"/>').format(said)


def _return(one: tuple[float, float], two: tuple[float, float], width: float) -> Markup:
    """A dashed line around the right side, back up from one box to another."""
    x1, y1 = one[0] + BOX, one[1] + HEIGHT / 2
    x2, y2 = two[0] + BOX + 2, two[1] + HEIGHT / 2
    side = max(x1, x2) + 26
    side = min(side, width - 4)
    said = f"M{x1:.1f} {y1:.1f}C{side:.1f} {y1:.1f} {side:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return Markup('<path class="edge back" d="{}"/>').format(said)


def _box(rule: str, jobs: int, x: float, y: float) -> Markup:
    words = "1 job" if jobs == 1 else f"{jobs} jobs"
    middle = x + BOX / 2
    return Markup(
        '<g><rect x="{x:.1f}" y="{y:.1f}" width="{w}" height="{h}" rx="7"/>'
        '<text x="{m:.1f}" y="{a:.1f}">{rule}</text><text class="jobs" x="{m:.1f}" y="{b:.1f}">{words}</text></g>'
    ).format(x=x, y=y, w=BOX, h=HEIGHT, m=middle, a=y + 17, b=y + 32, rule=escape(rule), words=words)

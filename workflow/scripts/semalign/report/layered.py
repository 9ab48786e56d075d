"""Drawing a directed graph in layers: cycles cut, layers by longest path, few crossings, places for nodes and bends."""

import itertools
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean

Edge = tuple[str, str]
Slot = str | tuple[str, str, int]
"""A node, or the bend of a long edge in a layer that it crosses."""

SWEEPS = 24


@dataclass(frozen=True)
class Layout:
    """Where each node stands, (x, layer), and the points of each edge, ends included; x in units of a node's width.

    returns: likewise the edges that lead back up, which were cut to order the rest; their points, too, from the top.
    """

    places: dict[str, tuple[float, int]]
    edges: dict[Edge, list[tuple[float, int]]]
    returns: dict[Edge, list[tuple[float, int]]]


def layout(weights: dict[Edge, int], nodes: list[str]) -> Layout:
    """Lay a graph out from top to bottom. `weights` say how much each edge counts: of a cycle, the lightest is cut.

    An edge that longer ways imply is not drawn. The same graph gives the same layout, in whatever order it is given.
    """
    kept, returns = _without_cycles(weights)
    layer = _layers(kept, sorted(nodes))
    drawn = sorted(_reduced(kept))
    chains = {edge: _chain(edge, layer) for edge in [*drawn, *returns]}
    rows = _ordered(layer, chains)
    x = _spaced(rows, chains)
    points = {edge: [(x[slot], _layer_of(slot, layer)) for slot in chain] for edge, chain in chains.items()}
    places = {node: (x[node], layer[node]) for node in sorted(nodes)}
    return Layout(places, {edge: points[edge] for edge in drawn}, {edge: points[edge] for edge in returns})


def _successors(edges: set[Edge]) -> dict[str, set[str]]:
    following: dict[str, set[str]] = defaultdict(set)
    for start, end in edges:
        following[start].add(end)
    return following


def _reachable(start: str, following: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for node in following.get(waiting.pop(), set()) - seen:
            seen.add(node)
            waiting.append(node)
    return seen


def _without_cycles(weights: dict[Edge, int]) -> tuple[set[Edge], list[Edge]]:
    """The edges without the lightest of each cycle, and those."""
    kept = {edge for edge in weights if edge[0] != edge[1]}
    cut: list[Edge] = []
    while True:
        following = _successors(kept)
        reach = {node: _reachable(node, following) for node in following}
        cyclic = [edge for edge in kept if edge[0] in reach.get(edge[1], set())]
        if not cyclic:
            break
        lightest = min(cyclic, key=lambda edge: (weights[edge], edge))
        kept.remove(lightest)
        cut.append(lightest)
    for edge in reversed(cut):  # what later cuts have made harmless
        if edge[0] not in _reachable(edge[1], _successors(kept)):
            kept.add(edge)
    return kept, sorted(set(cut) - kept)


def _layers(edges: set[Edge], nodes: list[str]) -> dict[str, int]:
    """Longest way from the top; what starts a way stands just above what first needs it."""
    before: dict[str, set[str]] = defaultdict(set)
    for start, end in edges:
        before[end].add(start)
    layer: dict[str, int] = {}

    def place(node: str) -> int:
        if node not in layer:
            layer[node] = 1 + max((place(parent) for parent in before[node]), default=-1)
        return layer[node]

    for node in nodes:
        place(node)
    following = _successors(edges)
    for node in nodes:
        if not before[node] and following[node]:
            layer[node] = min(layer[child] for child in following[node]) - 1
    return layer


def _reduced(edges: set[Edge]) -> set[Edge]:
    """The edges that no longer way implies."""
    following = _successors(edges)
    reach = {node: _reachable(node, following) for node in following}
    return {
        (start, end)
        for start, end in edges
        if not any(end in reach.get(other, set()) for other in following[start] - {end})
    }


def _chain(edge: Edge, layer: dict[str, int]) -> list[Slot]:
    """An edge's slots from the top: its ends, and a bend in each layer between them."""
    top, foot = sorted(edge, key=layer.__getitem__)
    return [top, *((*edge, n) for n in range(layer[top] + 1, layer[foot])), foot]


def _layer_of(slot: Slot, layer: dict[str, int]) -> int:
    return layer[slot] if isinstance(slot, str) else slot[2]


def _neighbours(chains: dict[Edge, list[Slot]]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    above: dict[Slot, list[Slot]] = defaultdict(list)
    below: dict[Slot, list[Slot]] = defaultdict(list)
    for chain in chains.values():
        for one, two in itertools.pairwise(chain):
            above[two].append(one)
            below[one].append(two)
    return above, below


def _ordered(layer: dict[str, int], chains: dict[Edge, list[Slot]]) -> list[list[Slot]]:
    """The slots of each layer from left to right: each near the middle of its neighbours (barycentre heuristic)."""
    rows: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    slots = dict.fromkeys([*sorted(layer), *(slot for chain in chains.values() for slot in chain)])
    for slot in slots:
        rows[_layer_of(slot, layer)].append(slot)
    above, below = _neighbours(chains)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for number in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            beside = {slot: place for place, slot in enumerate(rows[number - 1 if down else number + 1])}
            wanted = {
                slot: fmean(beside[other] for other in near) if (near := (above if down else below)[slot]) else place
                for place, slot in enumerate(rows[number])
            }
            rows[number].sort(key=wanted.__getitem__)
        if (crossings := _crossings(rows, below)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: list[list[Slot]], below: dict[Slot, list[Slot]]) -> int:
    count = 0
    for row, under in itertools.pairwise(rows):
        place = {slot: number for number, slot in enumerate(under)}
        ends = [sorted(place[other] for other in below[slot]) for slot in row]
        for number, mine in enumerate(ends):
            count += sum(a > b for theirs in ends[number + 1 :] for a in mine for b in theirs)
    return count


def _width(slot: Slot) -> float:
    return 1.0 if isinstance(slot, str) else 0.3


def _spaced(rows: list[list[Slot]], chains: dict[Edge, list[Slot]]) -> dict[Slot, float]:
    """A place for each slot: its neighbours' middle, as far as those beside it leave room; the leftmost at 0."""
    above, below = _neighbours(chains)
    x: dict[Slot, float] = {}
    for row in rows:
        total = sum(map(_width, row))
        at = -total / 2
        for slot in row:
            x[slot] = at + _width(slot) / 2
            at += _width(slot)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [
                fmean(x[other] for other in near) if (near := above[slot] + below[slot]) else x[slot] for slot in row
            ]
            for slot, place in zip(row, _apart(wanted, [_width(slot) for slot in row]), strict=True):
                x[slot] = place
    left = min((x[slot] - _width(slot) / 2 for slot in x), default=0.0)
    return {slot: round(place - left, 3) for slot, place in x.items()}


def _apart(wanted: list[float], widths: list[float]) -> list[float]:
    """Places as near to the wanted ones as their order and widths allow: least squares, by pooling neighbours."""
    offsets = [0.0]
    for one, two in itertools.pairwise(widths):
        offsets.append(offsets[-1] + (one + two) / 2)
    blocks: list[list[float]] = []
    for place, offset in zip(wanted, offsets, strict=False):
        blocks.append([place - offset])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    middles = [fmean(block) for block in blocks for _ in block]
    return [middle + offset for middle, offset in zip(middles, offsets, strict=False)]

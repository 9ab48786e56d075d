"""The encoders' exam: what each was asked, what it reached, and the threshold it had to reach."""

from typing import Any

from semalign.report.grids import Cell, Column, Grid, Group, figure, given, number, whole
from semalign.report.request import Request
from semalign.runtime.files import read_json

ENCODERS = {"reward": "reward encoder", "independent": "independent encoder"}
Report = dict[str, Any]


def reports(request: Request) -> dict[str, Report]:
    """Each encoder's exam, where the run has both."""
    paths = {name: request.results / "encoders" / name / "exam.json" for name in ENCODERS}
    wanted = {path.relative_to(request.root).as_posix() for path in paths.values()}
    return {name: read_json(path) for name, path in paths.items()} if wanted <= set(request.artefacts) else {}


def grids(request: Request) -> list[Grid]:
    """The exam's parts as tables; none where the run has no exam."""
    found = reports(request)
    return [_parts(found, request.thresholds), _grades(found), _examples(request, found)] if found else []


def _both(title: str, threshold: Any, values: list[Any], n: Any) -> list[Cell]:
    needed = Cell(f"≥ {number(threshold, 3)}", float(threshold)) if given(threshold) else Cell("–", -1.0)
    return [Cell(title), *(figure(value, 3) for value in values), needed, Cell(whole(n), float(n))]


def _parts(found: dict[str, Report], thresholds: dict[str, Any]) -> Grid:
    every = list(found.values())
    first = every[0]
    rows = []
    for way, title in (
        ("source_to_target", "source finds its target"),
        ("target_to_source", "target finds its source"),
    ):
        retrieval = [report["retrieval"] for report in every]
        rows.append(
            _both(f"retrieval: {title}", thresholds.get("retrieval"), [r[way] for r in retrieval], retrieval[0]["n"])
        )
    rank = [report["spearman"] for report in every]
    ceiling = f"Spearman: similarity with grade (at most {number(rank[0]['ceiling'], 3)})"
    rows.append(_both(ceiling, thresholds.get("spearman"), [r["value"] for r in rank], rank[0]["n"]))
    for place, pair in enumerate(first["auc"]):
        title = f"AUC: {_words(pair['higher'])} above {_words(pair['lower'])}"
        rows.append(
            _both(title, thresholds.get("auc"), [report["auc"][place]["auc"] for report in every], sum(pair["n"]))
        )
    needed = thresholds.get("inequality", {})
    for kind, entry in first["inequalities"].items():
        if entry["n"]:
            shares = [report["inequalities"][kind]["share"] for report in every]
            rows.append(_both(f"hard negatives: {_words(kind)}", needed.get(kind), shares, entry["n"]))
    columns = [Column("part", number=False), *(Column(ENCODERS[name]) for name in found), Column("needed"), Column("n")]
    note = (
        "Shares and correlations, 0–1. Retrieval: whose most similar text is its own translation. Hard negatives: the "
        "share that is less similar to the reference than a paraphrase, or than a near-identical text. A part without "
        "a threshold is only reported; RL waits until both encoders reach every threshold."
    )
    return Grid("exam", "Encoder exam: parts and thresholds", columns, [Group(rows)], note)


def _grades(found: dict[str, Report]) -> Grid:
    rows = []
    for grade, entry in next(iter(found.values()))["grades"].items():
        if entry["n"]:
            every = [report["grades"][grade] for report in found.values()]
            cells = [figure(e["mean"], 3, details=(f"{number(e['p10'], 3)} … {number(e['p90'], 3)}",)) for e in every]
            rows.append([Cell(_words(grade)), *cells, Cell(whole(entry["n"]), float(entry["n"]))])
    columns = [Column("grade", number=False), *(Column(ENCODERS[name], "cosine") for name in found), Column("n")]
    note = "Mean similarity; below, the 10th to the 90th percentile."
    return Grid("grades", "Encoder exam: similarity by grade of relatedness", columns, [Group(rows)], note)


def _examples(request: Request, found: dict[str, Report]) -> Grid:
    language = next(iter(request.tasks.values())).target_language
    groups = []
    for name, report in found.items():
        rows = [
            [
                Cell(_words(grade)),
                Cell(example["reference"], language=language),
                Cell(example["candidate"], language=language),
                figure(example["similarity"], 3),
            ]
            for grade, example in report["examples"].items()
            if example
        ]
        groups.append(Group(rows, ENCODERS[name]))
    texts = [Column(title, number=False) for title in ("grade", "reference", "candidate")]
    caption = "Encoder exam: an example of each grade"
    return Grid("graded", caption, [*texts, Column("similarity", "cosine")], groups)


def _words(name: str) -> str:
    return name.replace("_", " ")

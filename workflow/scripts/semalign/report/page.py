"""The whole page: sections that the run has, laid out by the templates, with all that they need inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from semalign.report import (
    assets,
    curves,
    encoders,
    exam,
    examples,
    frontier,
    labels,
    paper,
    provenance,
    tests_and_audit,
    verdict,
)
from semalign.report.asset_hashes import TEMPLATES
from semalign.report.grids import Grid
from semalign.report.request import Request
from semalign.reporting.lineage import jobs_behind, records_by_output

FIGURES = {
    "tradeoff": "What each model gains in its task, and what it keeps in the primary benchmark.",
    "frontier": "What each method costs along its strength.",
    "ablation": "RL with other rewards, all else equal.",
    "likelihood": "How token NLL and KL to the base are spread on passages out of the domain.",
    "reward": "Reward along RL's steps.",
    "rollouts": "Rollouts along RL's steps.",
    "audit": "Signs of a gamed reward along RL's steps.",
    "encoder": "The encoders' exam: grades of relatedness with an example of each, and hard negatives.",
}
# Where tables and figures stand, in order: (anchor, heading, tables, figures).
RESULTS = [
    ("trade-off", "The trade-off", ["table3"], []),  # whose figure stands with the verdict
    ("cold-start", "From the cold start to RL", ["table1", "table2"], []),
    ("transfer", "Few-shot transfer", ["table4"], []),
    ("rewards", "Other rewards", ["table5"], ["ablation"]),
    ("forgetting", "Forgetting: NLL and KL", ["table6a", "table6b"], ["likelihood"]),
]
WITHOUT = {  # table: what to say of a run that does not have it, and the config key that leaves it out
    "table1": ("Table 1 (tasks between languages)", ""),
    "table2": ("Table 2 (tasks within a language)", ""),
    "table3": ("Table 3 (the trade-off)", ""),
    "table4": ("Table 4 (few-shot transfer)", "few_shot"),
    "table5": ("Table 5 (other rewards)", "ablation"),
    "table6a": ("Table 6 (NLL and KL)", "forgetting"),
    "frontier": ("the frontier", "frontier"),
    "encoders": ("other reward encoders", "encoder_ablation"),
    "statistics": ("the tests", ""),
    "audit": ("the reward audit", ""),
}

OF_TRAINED = ("few_shot", "ablation", "frontier", "encoder_ablation")
"""Those of the keys that are not read where nothing is trained."""


@dataclass(frozen=True)
class Figure:
    """A figure's name, what it shows, the picture, and its size in pixels."""

    name: str
    caption: str
    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading."""

    anchor: str
    title: str
    grids: list[Grid]
    figures: list[Figure]
    text: Sequence[str] = ()
    charts: Sequence[curves.Chart] = ()


def build(request: Request) -> str:
    """The page as HTML. It holds no date but those in the results' records: the same results give the same text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["task_name"] = lambda name: request.tasks[name].title
    environment.filters["metric_name"] = labels.metric
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    content = _content(request) | {"script": Markup(script), "policy": assets.policy(script)}
    body = environment.get_template("body.html").render(content)
    style = environment.get_template("page.css").render(font=assets.font(body))
    return environment.get_template("page.html").render(content | {"body": Markup(body), "style": Markup(style)})


def _content(request: Request) -> dict[str, Any]:
    jobs = jobs_behind(request.artefacts, records_by_output(request.root))
    generated = any(job["rule"] == "generate_world" for job in jobs)
    chosen = examples.choose(request, generated)
    answered = {model for task in request.tasks for model in examples.models_of(request, task)}
    declared, exploratory = tests_and_audit.tests(request) if "statistics" in request.tables else (None, None)
    sections = _sections(request)
    return {
        "request": request,
        "anchors": {section.anchor for section in sections},
        "title": "semalign: " + ", ".join(entry.title for entry in request.tasks.values()),
        "about": _about(request, jobs, generated),
        "verdicts": verdict.verdicts(request),
        "pictures": _figures(request, ["tradeoff"]),
        "caution": paper.caution(request),
        "sections": sections,
        "missing": _missing(request),
        "declared": declared,
        "exploratory": exploratory,
        "chosen": chosen,
        "sortings": examples.scores_of(request),
        "seed_shown": examples.seed_shown(request),
        "outcomes": list(examples.OUTCOMES.values()),
        "model_names": {name: labels.model(name) for name in request.models if name in answered},
        "judge": labels.judge(request.judge),
        "costs": provenance.costs(request, jobs) if jobs else None,
        "versions": provenance.versions(jobs) if jobs else None,
        "sources": provenance.sources(request),
        "facts": provenance.facts(jobs),
        "configs": provenance.configs(request, jobs),
    }


def _about(request: Request, jobs: list[dict[str, Any]], generated: bool) -> list[tuple[str, str]]:
    seeds, runs = ", ".join(map(str, request.seeds)), f"{len(request.seeds)} run{'s' if len(request.seeds) > 1 else ''}"
    commits = sorted({_short(job["commit"]) for job in jobs})
    return [
        ("Tasks", "; ".join(labels.task(entry) for entry in request.tasks.values())),
        *([("Seeds", f"{seeds} ({runs} of every method)")] if request.trained else []),
        ("Data", "a generated world: the miniature" if generated else "files of the config, listed under Sources"),
        ("Judge", labels.judge(request.judge)),
        ("Jobs", f"{len(jobs):,}"),
        ("Commit", ", ".join(commits) or "not recorded"),
    ]


def _short(commit: str) -> str:
    digest, dirty, _ = commit.partition("-dirty")
    return f"{digest[: provenance.HASH]}{' with changed files' if dirty else ''}"


def _figures(request: Request, names: list[str]) -> list[Figure]:
    folder = request.results / "figures"
    pictures = {name: folder / f"{name}.svg" for name in names if name in request.figures}
    return [Figure(name, FIGURES[name], assets.svg(path), *assets.size(path)) for name, path in pictures.items()]


def _sections(request: Request) -> list[Section]:
    """Those for which the run has a table or a figure."""
    tables = paper.tables(request)
    sections = [
        Section(anchor, title, [tables[name] for name in names if name in tables], _figures(request, figures))
        for anchor, title, names, figures in RESULTS
    ]
    sections.insert(1, _frontier(request))
    audited = tests_and_audit.audit(request) if "audit" in request.tables else []
    compared = encoders.grids(request) if "encoders" in request.tables else []
    sections += [
        Section("encoders", "Other reward encoders", compared, []),
        Section("training", "Training", [], _figures(request, ["reward", "rollouts"]), charts=curves.charts(request)),
        Section("encoder-exam", "Encoder exam", exam.grids(request), _figures(request, ["encoder"])),
        Section("reward-audit", "Reward audit", audited, _figures(request, ["audit"])),
    ]
    return [section for section in sections if section.grids or section.figures or section.charts]


def _frontier(request: Request) -> Section:
    has = request.tables
    grids = [frontier.at_equal_adequacy(request), frontier.points(request)] if "frontier" in has else []
    grids += [frontier.seconds(request)] if "costs" in has else []
    said = frontier.verdict(request) if "frontier" in has else []
    return Section("frontier", "At equal adequacy", grids, _figures(request, ["frontier"]), said)


def _missing(request: Request) -> list[str]:
    """What has not been made yet, and what the config leaves out, by which key."""
    said = [
        f"{title}, not made yet"
        if name in request.wanted
        else f"{title}, since {'train is false' if key in OF_TRAINED and not request.trained else f'{key} is null'}"
        if key
        else f"{title}: the config asks for none"
        for name, (title, key) in WITHOUT.items()
        if name not in request.tables
    ]
    why = "since judge.kind is none" if request.judge["kind"] == "none" else "since there are no models to compare"
    return said + ([] if request.judged else [f"a judge, {why}"])

"""A small finished run written by hand, for tests of the report."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from semalign.config.audit import Thresholds
from semalign.config.names import TaskName
from semalign.config.statistics import Statistics
from semalign.frontier import curves, verdict
from semalign.frontier.taxes import Request as TaxRequest
from semalign.frontier.taxes import taxes
from semalign.report.request import Request, TaskOf
from semalign.tables.encoder_table import EXAM, TRAINED, compared_of
from semalign.tables.paper_request import Request as TableRequest
from semalign.tables.paper_tables import build as build_table
from tests.unit.scored import CMRC, write_judge, write_likelihood, write_lines, write_run

REACHED = ["metric", *compared_of([CMRC]), "language_consistency", "similarity"]
MODELS = ("cold_sft", "strong_sft", "rl")
VALUES = {"cold_sft": 0.25, "strong_sft": 0.75, "rl": 0.5}
ITEMS = 6
TIBETAN = "སློབ་མས་ཡི་གེ་བྲིས།"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="237.6pt" height="72pt"><rect width="9" height="9"/></svg>'
FIGURES = ["tradeoff", "frontier", "ablation", "likelihood", "reward", "rollouts", "audit", "encoder"]
TASKS: dict[TaskName, TaskOf] = {
    "mt": TaskOf("translation", "zh", "bo", ["bleu", "chrf"]),
    "hg": TaskOf("headlines", "bo", "bo", ["rouge_l"]),
}
BARS = {"retrieval": 0.9, "spearman": 0.8, "auc": 0.4, "inequality": {"negated": 0.9}}
GRADES = ("near_identical", "paraphrase")
CURVES: dict[str, curves.Curve] = {
    "sft": {"unit": "pairs", "points": [(0, "base"), (90, "strong_sft")]},
    "rl": {"unit": "steps", "points": [(0, "cold_sft"), (7, "rl")]},
}


def write_finished(root: Path, seeds: list[int], tasks: dict[TaskName, TaskOf] = TASKS) -> Request:
    """Write a run with every table and figure under `root / "results"`, and say what a report of it is made from."""
    results = root / "results"
    _runs(results, list(tasks), seeds)
    tables = _paper_tables(results, list(tasks), seeds)
    _further_tables(results, list(tasks), seeds)
    for encoder in ("reward", "independent"):
        _write(results / "encoders" / encoder / "exam.json", exam())
    for name in FIGURES:
        _write(results / "figures" / f"{name}.svg", SVG)
    _write(results / "sources.csv", "source,licence\nresults/world,Apache-2.0\n")
    tables += ["frontier", "costs", "encoders", "statistics", "audit"]
    artefacts = [f"results/{name}.csv" for name in tables]
    artefacts += [f"results/encoders/{encoder}/exam.json" for encoder in ("reward", "independent")]
    _records(root, artefacts)
    return Request(
        root=root,
        tasks=tasks,
        seeds=seeds,
        tables=tables,
        figures=FIGURES,
        judge={"kind": "parser"},
        thresholds=BARS,
        artefacts=artefacts,
        sources=True,
        examples=3,
        contrasts=1,
        seed=0,
        retention=[CMRC],
        audit=Thresholds().model_dump(),
        max_zero_variance=0.9,
    )


def without(request: Request, *tables: str) -> Request:
    return replace(request, tables=[name for name in request.tables if name not in tables])


def answer(root: Path, task: str, model: str, seed: int, place: int, text: str) -> None:
    """Put another answer in the place of one."""
    path = root / "results" / task / model / str(seed) / "predictions.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[place]["output"] = text
    write_lines(path, rows)


def judged(root: Path, task: str, seed: int, rows: list[dict[str, Any]]) -> None:
    """Put other verdicts in the place of a run's; of rows without more, the two orders agree that RL is better."""
    whole = [
        {"id": str(i), "swapped": False, "forward": 2, "backward": 1, "consistent": True, "winner": 2} | row
        for i, row in enumerate(rows)
    ]
    write_lines(root / "results" / task / "judge" / f"{seed}.jsonl", whole)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _runs(results: Path, tasks: list[TaskName], seeds: list[int]) -> None:
    write_run(results, "base", list(tasks), [0.1] * ITEMS)
    write_likelihood(results, "base", [1.0] * 4, None)
    answers = [{"testset": task, "id": str(i), "output": f"{TIBETAN} base {i}"} for task in tasks for i in range(ITEMS)]
    write_lines(results / "base" / "predictions.jsonl", answers)
    _add_counts(results / "base" / "scores" / "text.jsonl", "mt")
    for task in tasks:
        items = [
            {"id": str(i), "group": str(i), "source": f"学生写信{i}。", "target": f"{TIBETAN}{i}"} for i in range(ITEMS)
        ]
        write_lines(results / "data" / task / "test.jsonl", items)
        for seed in seeds:
            for model, value in VALUES.items():
                values = [value + 0.01 * seed + 0.02 * i * (model == "rl") for i in range(ITEMS)]
                run = f"{task}/{model}/{seed}"
                write_run(results, run, [task], values, [100.0, 100.0, 100.0, 0.0 if model == "strong_sft" else 100.0])
                write_likelihood(results, run, [1.0 + value] * 4, [value] * 4)
                _write(results / run / "training.json", {"rollouts": []})
                _add_counts(results / run / "scores" / "text.jsonl", task)
                answers = [{"testset": task, "id": str(i), "output": f"{TIBETAN} {model} {i}"} for i in range(ITEMS)]
                write_lines(results / run / "predictions.jsonl", answers)
            write_judge(results, task, seed, [1, 1, 1, 2, 0], unparsed=1)
            rows = [json.loads(line) for line in (results / task / "judge" / f"{seed}.jsonl").read_text().splitlines()]
            write_lines(results / task / "judge" / f"{seed}.jsonl", [row | {"swapped": False} for row in rows])


def _add_counts(path: Path, task: str) -> None:
    """A perfect sentence of four tokens, for BLEU."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    counts = {"bleu_statistics": [4, 3, 2, 1, 4, 3, 2, 1, 4, 4]}
    write_lines(path, [row | (counts if row["testset"] == task else {}) for row in rows])


def _paper_tables(results: Path, tasks: list[TaskName], seeds: list[int]) -> list[str]:
    rows: dict[str, tuple[list[Any], list[str]]] = {
        "table1": (["mt"], ["base", "cold_sft", "rl"]),
        "table2": (["hg"], ["base", "cold_sft", "rl"]),
        "table3": (list(tasks), ["base", *MODELS]),
        "table5": (["mt"], ["rl"]),
        "table6a": (list(tasks), ["base", *MODELS]),
        "table6b": (list(tasks), ["base", *MODELS]),
    }
    made = []
    for name, (of, models) in rows.items():
        if set(of) <= set(tasks):
            rewards = {"rl": {"similarity": 1.5, "language": 1.0}} if name == "table5" else {}
            statistics = Statistics(resamples=20)
            bars = Thresholds().model_dump() if name in ("table1", "table2", "table3") else None
            judged, published = name == "table3", {task: f"paper_{task}" for task in of}
            given = (results, name, of, models, seeds, rewards, judged, statistics, [CMRC], bars)
            table = build_table(TableRequest(*given, published=published))
            table.frame().to_csv(results / f"{name}.csv", index=False)
            _write(results / f"{name}.json", table.sidecar)
            made.append(name)
    return made


def _further_tables(results: Path, tasks: list[TaskName], seeds: list[int]) -> None:
    _frontier(results, list(tasks), seeds)
    _encoders(results, tasks[0], len(seeds))
    tests = [
        {"task": tasks[0], "a": "rl", "b": "strong_sft", "measure": measure, "seed": "all", "test": "bootstrap"}
        | {
            "mean_a": 1.0,
            "mean_b": 0.5,
            "difference": 0.5,
            "low": 0.25,
            "high": 0.75,
            "statistic": None,
            "effect": None,
        }
        | {
            "effect_name": None,
            "p": 0.001,
            "p_holm": 0.002 if primary else None,
            "n": 6,
            "units": 6,
            "primary": primary,
        }
        for measure, primary in (("cmrc_avg", True), ("similarity", False), ("mine", False))
    ]
    pd.DataFrame(tests).to_csv(results / "statistics.csv", index=False)
    _write(results / "statistics.json", {"note": "How they were made."})
    signs = dict.fromkeys(("length_ratio", "distinct_2", "repeated_4grams", "copied", "duplicates"), 0.5)
    signs |= dict.fromkeys(("off_script", "empty", "similarity", "similarity_independent", "encoder_gap"), 0.25)
    audited = [
        {"task": task, "model": model, "seed": None if model == "references" else seed, "part": part, **signs}
        | {"zero_variance_groups": None, "reward": None, "verdict": "warning" if part == "test" else None}
        | dict.fromkeys(("over_use", "unused", "lost", "divergence", "truncated"), 0.125 if part == "test" else None)
        for task in tasks
        for model, part in (("references", "test"), ("rl", "rollouts first"), ("rl", "test"))
        for seed in (seeds if model == "rl" else seeds[:1])
    ]
    pd.DataFrame(audited).to_csv(results / "audit.csv", index=False)
    _write(results / "audit.json", {"note": "What each sign means."})


def _frontier(results: Path, tasks: list[str], seeds: list[int]) -> None:
    found = taxes(TaxRequest(results, tasks, seeds, CURVES, True, Statistics(resamples=20), CMRC))
    curves.collect(results, tasks, seeds, CURVES, True, [CMRC]).to_csv(results / "frontier.csv", index=False)
    pd.DataFrame([tax.record() for tax in found]).to_csv(results / "frontier_taxes.csv", index=False)
    units = {name: curve["unit"] for name, curve in CURVES.items()}
    said = {"answers": verdict.answers(found), "multiplicity": verdict.multiplicity(found, len(seeds)), "units": units}
    _write(results / "frontier.json", said | {"note": verdict.note(found, len(seeds)), "strengths": "What they count."})
    seconds = [
        {"task": task, "method": method, "place": place, "model": model, "seed": seed, "jobs": 3, "resumed": 0}
        | {"device_seconds": 30.0, "training_seconds": 20.0, "before_seconds": 10.0, "answering_seconds": 2.5}
        for task in tasks
        for method, curve in CURVES.items()
        for place, (_, model) in enumerate(curve["points"])
        for seed in seeds
    ]
    pd.DataFrame(seconds).to_csv(results / "costs.csv", index=False)
    equal = [
        {"task": task, "method": method, "by_seed": [5.0] * len(seeds), "mean": 5.0, "sd": None}
        for task in tasks
        for method in CURVES
    ]
    _write(results / "costs.json", {"equal_adequacy": equal, "note": "What counts as a cost."})


def _encoders(results: Path, task: TaskName, seeds: int) -> None:
    """Two encoders: RL with the second is 0.25 below RL with the first by the independent one."""
    known = {"reward": (0.5, "tuned", "passes", "rl"), "raw": (0.25, "not tuned", "fails", "rl-encoder-raw")}
    rows = [
        {"task": task, "encoder": encoder, "made": made, "exam": outcome, "model": model, "metric_name": "bleu"}
        | dict.fromkeys([*EXAM, *REACHED, *TRAINED], reached)
        for encoder, (reached, made, outcome, model) in known.items()
    ]
    rows.append({"task": task, "encoder": "raw", "model": "difference"} | dict.fromkeys(REACHED, -0.25))
    frame = pd.DataFrame(rows).assign(seeds=seeds)
    parts = {f"{name}_{part}": None for name in [*EXAM, *REACHED, *TRAINED] for part in ("sd", "low", "high", "n")}
    bounds = {"similarity_independent_low": [0.5, 0.25, -0.5], "similarity_independent_high": [0.5, 0.25, -0.125]}
    frame.assign(**parts).assign(**bounds).to_csv(results / "encoders.csv", index=False)
    _write(results / "encoders.json", {"note": "What RL with each reaches."})


def exam() -> dict[str, Any]:
    """An encoder's report."""
    spread = {"n": 3, "mean": 0.5, "p10": 0.25, "median": 0.5, "p90": 0.75}
    example = {"reference": TIBETAN, "candidate": TIBETAN, "similarity": 0.5}
    share = {"n": 3, "against_paraphrase": 3, "share": 0.95, "mean": 0.5, "margin": 0.25}
    return {
        "retrieval": {"n": 3, "source_to_target": 1.0, "target_to_source": 0.875},
        "grades": dict.fromkeys(GRADES, spread) | {"random": dict.fromkeys(spread, None) | {"n": 0}},
        "spearman": {"n": 6, "value": 0.85, "ceiling": 0.95},
        "auc": [{"higher": GRADES[0], "lower": GRADES[1], "n": [3, 3], "auc": 0.625}],
        "examples": dict.fromkeys(GRADES, example) | {"random": None},
        "inequalities": {"negated": share, "reordered": share, "truncated": dict.fromkeys(share, None) | {"n": 0}},
    }


def _records(root: Path, artefacts: list[str]) -> None:
    """Records of a few jobs: data, two that train on one another's results, and one a table."""
    _write(root / "results" / "configs" / "c.json", {"seeds": [0], "judge": {"kind": "parser"}})
    chain = [
        ("generate_world", [], ["results/world/a.jsonl"]),
        ("train_sft", ["results/world/a.jsonl"], ["results/mt/cold_sft/0/adapter"]),
        ("train_grpo", ["results/mt/cold_sft/0/adapter", "results/world/a.jsonl"], ["results/mt/rl/0/adapter"]),
        ("train_sft", ["results/mt/rl/0/adapter", "results/world/a.jsonl"], ["results/hg/fewshot-rl/0/adapter"]),
        ("train_sft", ["results/world/a.jsonl"], ["results/hg/cold_sft/0/adapter"]),
        ("train_grpo", ["results/hg/cold_sft/0/adapter"], ["results/hg/rl/0/adapter"]),
    ]
    trained = [made[0] for rule, _, made in chain if rule != "generate_world"]
    chain += [("tabulate", [*trained, "my/raw.csv"], [path]) for path in artefacts]
    for number, (rule, inputs, outputs) in enumerate(chain):
        log = f"results/logs/{rule}/{number}.log"
        record = {
            "rule": rule,
            "wildcards": {},
            "command": "snakemake results/report.html",
            "config": "results/configs/c.json",
            "settings": {},
            "inputs": dict.fromkeys(inputs, "a" * 64),
            "outputs": dict.fromkeys(outputs, "b" * 64),
            "log": log,
            "commit": "c" * 40,
            "versions": {"python": "3.11.7", "torch": "2.13.0"},
            "machine": {"platform": "Linux", "cores": 2, "threads": 1},
            "processes": 1,
            "finished": f"2026-01-01T00:00:{number:02}+00:00",
            "seconds": 1.5,
            "model_seconds": 1.0,
            "peak_memory_mib": 100,
        }
        _write(root / f"{outputs[0]}.provenance.json", record)
        benchmark = "s\th:m:s\tmax_rss\tcpu_time\n2.0\t0:00:02\t-\t1.0\n"
        _write(root / log.replace("/logs/", "/benchmarks/").replace(".log", ".tsv"), benchmark)

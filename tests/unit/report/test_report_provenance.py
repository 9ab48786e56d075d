"""Which rules are made from which, and what they cost."""

from pathlib import Path
from typing import Any

import pandas as pd

from semalign.report.provenance import made_from
from semalign.reporting.performance import by_rule, measured


def job(rule: str, inputs: list[str], output: str, **more: Any) -> dict[str, Any]:
    record = {"rule": rule, "inputs": dict.fromkeys(inputs, ""), "outputs": {output: ""}, "model_seconds": 1.0}
    return record | {"log": f"results/logs/{output}.log", "peak_memory_mib": 50} | more


JOBS = [
    job("data", [], "d"),
    job("sft", ["d"], "a"),
    job("sft", ["d"], "b"),
    job("rl", ["a", "d"], "r"),
    job("rl", ["b", "d"], "s"),
    job("sft", ["r"], "f"),
    job("table", ["f", "r", "s"], "t"),
]


def test_rules_are_made_from_rules() -> None:
    assert made_from(JOBS) == {"data": [], "sft": ["data", "rl"], "rl": ["data", "sft"], "table": ["rl", "sft"]}


def test_time_and_memory_by_rule(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    for name, seconds, memory in (("d", 1.5, "-"), ("a", 3.0, "70.5"), ("b", 4.0, "30")):
        (folder / f"{name}.tsv").write_text(f"s\tmax_rss\n{seconds}\t{memory}\n")
    table = by_rule(measured([*JOBS[:3], job("rl", [], "none")], tmp_path))
    expected = pd.DataFrame(
        [["sft", 2, 0, 7.0, 2.0, 70.5], ["data", 1, 0, 1.5, 1.0, 50.0], ["rl", 1, 1, 0.0, 1.0, 50.0]],
        columns=["rule", "jobs", "without", "seconds", "model_seconds", "peak_mib"],
    ).set_index("rule")
    pd.testing.assert_frame_equal(table, expected)

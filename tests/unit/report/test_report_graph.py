"""Layered drawing of a graph, and what rules cost."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.report.graph import made_from, picture, rule_edges
from semalign.report.layered import layout
from semalign.reporting.performance import by_rule, measured


def job(rule: str, inputs: list[str], output: str, **more: Any) -> dict[str, Any]:
    record = {"rule": rule, "inputs": dict.fromkeys(inputs, ""), "outputs": {output: ""}, "model_seconds": 1.0}
    return record | {"log": f"results/logs/{output}.log"} | more


JOBS = [
    job("data", [], "d"),
    job("sft", ["d"], "a"),
    job("sft", ["d"], "b"),
    job("rl", ["a", "d"], "r"),
    job("rl", ["b", "d"], "s"),
    job("sft", ["r"], "f"),
    job("table", ["f", "r", "s"], "t"),
]


def test_edges_count_pairs_of_jobs() -> None:
    assert rule_edges(JOBS) == {
        ("data", "sft"): 2,
        ("data", "rl"): 2,
        ("sft", "rl"): 2,
        ("rl", "sft"): 1,
        ("sft", "table"): 1,
        ("rl", "table"): 2,
    }
    assert made_from(JOBS)["table"] == ["rl", "sft"]
    assert made_from(JOBS)["data"] == []


def test_the_lightest_edge_of_a_cycle_is_cut_and_implied_ones_are_not_drawn() -> None:
    found = layout(rule_edges(JOBS), ["data", "sft", "rl", "table"])
    assert [(edge, [layer for _, layer in points]) for edge, points in found.returns.items()] == [
        (("rl", "sft"), [1, 2])
    ]
    assert sorted(found.edges) == [("data", "sft"), ("rl", "table"), ("sft", "rl")]
    assert [found.places[rule][1] for rule in ("data", "sft", "rl", "table")] == [0, 1, 2, 3]


@settings(deadline=None, max_examples=60)
@given(st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=20))
def test_boxes_stand_apart_and_edges_lead_down(edges: set[tuple[str, str]]) -> None:
    nodes = sorted({node for edge in edges for node in edge} | {"z"})
    found = layout(dict.fromkeys(edges, 1), nodes)
    assert sorted(found.places) == nodes
    for layer in {layer for _, layer in found.places.values()}:
        row = sorted(x for x, at in found.places.values() if at == layer)
        assert all(right - left >= 0.999 for left, right in pairwise(row))
    for (start, end), points in [*found.edges.items(), *((edge[::-1], back) for edge, back in found.returns.items())]:
        layers = [layer for _, layer in points]
        assert layers == list(range(found.places[start][1], found.places[end][1] + 1))
        assert len(layers) > 1
    assert min(x for x, _ in found.places.values()) >= 0.499
    assert layout(dict.fromkeys(sorted(edges, reverse=True), 1), nodes[::-1]) == found


def test_the_picture_names_every_rule() -> None:
    text = picture([*JOBS, job("<b>", ["t"], "u")])
    for rule, jobs in (("data", "1 job"), ("sft", "3 jobs"), ("&lt;b&gt;", "1 job")):
        assert f">{rule}</text>" in text
        assert f">{jobs}</text>" in text
    assert "5 rules and 8 jobs" in text
    assert text.count('class="edge back"') == 1


def test_time_and_memory_by_rule(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    for name, seconds, memory in (("d", 1.5, "-"), ("a", 3.0, "70.5"), ("b", 4.0, "30")):
        (folder / f"{name}.tsv").write_text(f"s\tmax_rss\n{seconds}\t{memory}\n")
    table = by_rule(measured([*JOBS[:3], job("rl", [], "none")], tmp_path))
    expected = pd.DataFrame(
        [["sft", 2, 0, 7.0, 2.0, 70.5], ["data", 1, 0, 1.5, 1.0, None], ["rl", 1, 1, 0.0, 1.0, None]],
        columns=["rule", "jobs", "without", "seconds", "model_seconds", "peak_mib"],
    ).set_index("rule")
    pd.testing.assert_frame_equal(table, expected)

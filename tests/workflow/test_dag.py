"""The DAG without running it: plans, bad configs, and what each script imports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.workflow.run import plan

SCRIPTS = ROOT / "workflow" / "scripts"
NEED_TORCH = {
    "train_base",
    "check_encoders",
    "check_policy",
    "check_model",
    "filter_length",
    "train_encoder",
    "examine_encoder",
    "train_sft",
    "measure_threshold",
    "train_grpo",
    "sample_candidates",
    "train_method",
    "choose_answers",
    "generate",
    "score_similarity",
    "measure_likelihood",
    "measure_benchmark",
    "audit_rollouts",
}


def planned(folder: Path, changes: dict[str, Any], target: str = "all") -> dict[str, int]:
    """Jobs by rule of the shipped config with these changes."""
    overlay = folder / "changes.yaml"
    overlay.write_text(yaml.safe_dump(changes))
    return plan(folder, target, [overlay])


def test_the_default_config_plans_the_whole_table(tmp_path: Path) -> None:
    jobs = plan(tmp_path)
    assert jobs["train_base"] == 1
    assert jobs["train_grpo"] == 3 * (2 + 4 + 4)  # seeds; rl in two tasks, four reward variants and encoders in one
    assert jobs["train_encoder"] == jobs["examine_encoder"] == 2 + 4
    assert jobs["check_encoder"] == 2  # the ablation's need not pass
    assert jobs["train_sft"] == 3 * (2 * (2 + 3) + 3)  # cold start, strong SFT, three sizes; three few-shot starts
    assert jobs["take_snapshot"] == 3 * 2
    assert jobs["sample_candidates"] == 3 * 2
    assert jobs["train_method"] == 3 * 2 * 16  # strengths of all methods but minimum Bayes risk
    assert jobs["choose_answers"] == jobs["copy_likelihood"] == 3 * 2 * 2
    assert jobs["check_grpo"] == 3 * (2 + 4 + 2 * 3)  # rl, its variants; the methods that are GRPO
    assert jobs["measure_likelihood"] == 1 + 3 * 2 * (3 + 3 + 1 + 16)  # the base; models, sizes, snapshots, methods
    assert jobs["generate"] == jobs["measure_likelihood"] + 3 * (4 + 4 + 3)


def test_benchmarks_by_likelihood_are_measured_on_every_model(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text("")
    (tmp_path / "text.txt").write_text("")
    tables = [{"format": "jsonl", "path": "items.jsonl"}]
    choices = {"kind": "multiple_choice", "test": tables, "prompt": "{q}", "choices": ["a", "b"]}
    news = {"kind": "perplexity", "test": [{"format": "lines", "path": "text.txt"}]}
    jobs = planned(tmp_path, {"retention": {"benchmarks": {"quiz": choices, "news": news}}})
    before = plan(tmp_path)
    assert jobs["measure_benchmark"] == 2 * before["generate"]  # which answers for every model
    assert jobs["prepare_items"] == 2
    assert jobs["copy_likelihood"] == before["copy_likelihood"]
    assert {rule: n for rule, n in jobs.items() if rule in before and rule != "total"} == {
        rule: n for rule, n in before.items() if rule != "total"
    }
    assert planned(tmp_path, {"tasks": {"mt": {"shots": {"count": 1, "source": "train"}}}})["draw_shots"] == 1


def test_one_table_needs_only_its_own_runs(tmp_path: Path) -> None:
    jobs = plan(tmp_path, target="results/table1.csv")
    assert jobs["train_grpo"] == 3
    assert jobs["train_sft"] == 3
    assert "measure_likelihood" not in jobs


def test_experiments_and_a_task_can_be_left_out(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("few_shot", "forgetting", "frontier", "ablation", "encoder_ablation"))
    primary = {"primary": [{"task": "mt", "measure": "cmrc_avg"}]}
    less = {"tasks": {"hg": None}, "statistics": primary, "judge": {"kind": "none"}} | nothing
    assert planned(tmp_path, less, "results/report.html")["report"] == 1
    jobs = planned(tmp_path, less)
    assert jobs["tabulate_paper"] == 2  # tables 1 and 3
    assert jobs["generate"] == 1 + 3 * 3
    assert jobs["draw_figure"] == 5  # neither the ablation nor the frontier nor the likelihood
    assert not jobs.keys() & {
        "measure_likelihood",
        "take_snapshot",
        "tabulate_frontier",
        "tabulate_costs",
        "judge_pairs",
        "summarise_verdicts",
        "tabulate_encoders",
    }


TASK: dict[str, Any] = {
    "source_language": "bo",
    "target_language": "bo",
    "metrics": ["rouge_l"],
    "prompt": "{source}",
    "train": [{"format": "jsonl", "path": "results/world/hg_train.jsonl"}],
    "test": [{"format": "jsonl", "path": "results/world/hg_test.jsonl"}],
    "split": {"cold": 1000, "rl": 1600, "dev": 200},
}


def test_tasks_of_any_number_and_name(tmp_path: Path) -> None:
    more = {"tasks": {"story": TASK, "zh_bo_news": TASK | {"source_language": "zh"}}}
    two, four = plan(tmp_path), planned(tmp_path, more)
    assert four["tabulate_paper"] == two["tabulate_paper"]  # of more rows
    assert four["split_pairs"] == 4
    assert four["train_grpo"] - two["train_grpo"] == 3 * 2
    assert four["judge_pairs"] == 3 * 4
    first = planned(tmp_path, more, "results/table1.csv")
    assert first["train_grpo"] == 3 * 2  # mt and zh_bo_news: from one language to another


def test_a_task_of_another_name_takes_the_place_of_both(tmp_path: Path) -> None:
    tasks = {"mt": None, "hg": None, "story": TASK}
    primary = {"primary": [{"task": "story", "measure": "judge_net"}]}
    nothing = dict.fromkeys(("few_shot", "ablation", "encoder_ablation", "frontier"))
    policy = {"pretraining": {"corpus": [{"kind": "text", "source": TASK["train"][0]}]}}
    jobs = planned(tmp_path, {"tasks": tasks, "statistics": primary, "policy": policy} | nothing)
    assert jobs["tabulate_paper"] == 4  # tables 2, 3, 6a and 6b
    assert jobs["train_grpo"] == 3


def test_metrics_that_are_functions_are_tried_first(tmp_path: Path) -> None:
    (tmp_path / "own_metrics.py").write_text(
        "def exact(outputs, references, sources):\n    return [1.0 for _ in outputs]\n"
    )
    assert planned(tmp_path, {"tasks": {"mt": {"metrics": ["bleu", "own_metrics:exact"]}}})["check_metrics"] == 1
    assert "check_metrics" not in plan(tmp_path)


def test_scripts_that_need_no_model_do_not_load_torch() -> None:
    """One after another in one process: the first that loads it is the last that is named."""
    scripts = sorted({path.stem for path in SCRIPTS.glob("*.py")} - NEED_TORCH)
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import semalign.runtime.job as job\n"
        "job.run = lambda *a, **k: None\n"
        f"for script in {scripts!r}:\n"
        f"    exec(open({str(SCRIPTS)!r} + f'/{{script}}.py').read(), {{'snakemake': None, '__name__': script}})\n"
        "    print(script)\n"
        "    if 'torch' in sys.modules: break\n"
        "else: print('none')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.split() == [*scripts, "none"], result.stderr
    assert {path.stem for path in SCRIPTS.glob("*.py")} > NEED_TORCH


def test_schema_is_the_generated_one() -> None:
    from semalign.preflight.root import schema

    assert (ROOT / "config" / "schema.json").read_text(encoding="utf-8") == schema(), "run: make schema"

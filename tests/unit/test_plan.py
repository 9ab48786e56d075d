"""A plan's steps by hand, its reading of a dry run, and what it says of what is not known."""

import pytest
import yaml

from bench.floors import MINIATURE, MINIATURE_ENCODER
from bench.rates import FOLDER, from_bench, read_rates
from semalign.config import Config, validate
from semalign.config.training import Grpo, Sft
from tests.conftest import ROOT
from tools.planning.cost import Models, disk, judge_calls, seconds
from tools.planning.dag import Job, merged, parsed
from tools.planning.work import Bounds, Plan, grpo_steps, sft_steps

BOUNDS = Bounds(1000, 621, 3219, 5000, None, 30, 20, None)
RL = {"learning_rate": 1e-6, "epochs": 1, "batch_size": 32, "micro_batch_size": 16}


def miniature(**changes: object) -> Config:
    return validate(merged([]) | changes)


def test_steps_of_sft_count_the_short_last_batch() -> None:
    settings = Sft(learning_rate=1e-4, epochs=3, batch_size=16, micro_batch_size=16)
    assert sft_steps(settings, 2600) == 489  # 162.5 batches an epoch; as a run of the miniature has it
    assert sft_steps(settings, 16) == 3


@pytest.mark.parametrize(
    ("prompts", "per_generation", "steps"),
    [
        (90_000, None, 22_500),  # 32 completions are 4 prompts of 8
        (10_949, None, 2737),  # the last prompt fills no batch
        (100, 16, 24),  # 256 completions a generation, 32 prompts: three of them, eight updates each
    ],
)
def test_steps_of_grpo(prompts: int, per_generation: int | None, steps: int) -> None:
    assert grpo_steps(Grpo.model_validate(RL | {"steps_per_generation": per_generation}), prompts) == steps


def test_jobs_of_the_miniature() -> None:
    plan = Plan(miniature(), BOUNDS)
    rl = plan.work(Job("train_grpo", {"task": "mt", "model": "rl", "seed": "0"}))
    assert rl is not None
    assert (rl.steps, rl.completions, rl.tokens) == (200, 12_800, 12_800 * 50)
    strong = plan.work(Job("train_sft", {"task": "hg", "model": "strong_sft", "seed": "0"}))
    assert strong is not None
    assert (strong.steps, strong.sequences) == (489, 7800)
    answers = plan.work(Job("generate", {"run": "mt/rl/0"}))
    assert answers is not None
    assert (answers.steps, answers.sequences) == (11, 700)  # 300 pairs and 400 questions in batches of 64
    assert plan.work(Job("score_text", {"run": "mt/rl/0"})) is None
    assert not any("rl-pairs" in name for name in plan.taken)


def test_what_only_the_data_tell_is_taken_from_the_bounds_and_said() -> None:
    raw = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    raw["tasks"]["mt"]["split"]["rl"] = None
    plan = Plan(validate(raw), BOUNDS)
    work = plan.work(Job("train_grpo", {"task": "mt", "model": "rl", "seed": "0"}))
    assert work is not None
    assert work.steps == 1000 * 8 // 64
    assert plan.taken["--rl-pairs 1000"] == "tasks.mt.split.rl is null"


def test_a_dry_run_is_read_job_by_job() -> None:
    output = """rule train_grpo:
    input: a, b
    output: c
    jobid: 7
    benchmark: d
    wildcards: task=mt, model=rl-bleu_lc, seed=2
    resources: gpu=0
[Sat Nov 21 12:01:31 2026]
localrule all:
    input: c
    jobid: 0
    resources: gpu=0
Job stats:
"""
    first, last = parsed(output)
    assert (first.rule, first.wildcards) == ("train_grpo", {"task": "mt", "model": "rl-bleu_lc", "seed": "2"})
    assert (last.rule, last.wildcards) == ("all", {})


def test_rates_scale_floors_and_disk_counts_adapters() -> None:
    config, rates, models = miniature(), read_rates(FOLDER / "cpu.json"), Models(MINIATURE, MINIATURE_ENCODER)
    job = Job("train_sft", {"task": "mt", "model": "cold_sft", "seed": "0"})
    work = Plan(config, BOUNDS).work(job)
    assert work is not None
    twice = rates.ratios | {"sft": 2 * rates.ratios["sft"]}
    slower = type(rates)(**vars(rates) | {"ratios": twice})
    assert seconds(work, models, slower) == pytest.approx(2 * seconds(work, models, rates))
    assert disk(config, {job: work}, models)["adapters"] == 491_520 * 4  # parameters that a run reports, float32


def test_the_parser_and_no_judge_cost_no_calls() -> None:
    jobs = [Job("judge_pairs", {"task": "mt", "seed": "0"})]
    assert judge_calls(miniature(), {"mt": 300}, jobs) == 0


def test_rates_need_every_kind() -> None:
    found = {"about": {"versions": {}}, "policy": {"benchmarks": [{"kind": "sft", "ratio": 2.0}]}}
    with pytest.raises(ValueError, match="no ratio was measured for 'grpo'"):
        from_bench(found)


def test_unmeasured_rates_say_so() -> None:
    assert not read_rates(FOLDER / "h200.json").measured
    assert read_rates(FOLDER / "cpu.json").measured

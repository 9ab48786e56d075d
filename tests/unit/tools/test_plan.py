"""A plan's steps by hand, its reading of a dry run, and what it says of what is not known.

test_plan_costs.py: what the steps cost.
"""

from pathlib import Path

import pytest

from semalign.config.training import Grpo, Sft
from semalign.preflight.amounts import grpo_updates, updates
from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.shipped import changed
from tools.plan import main
from tools.planning.dag import Job, merged, parsed
from tools.planning.steps import Work
from tools.planning.work import Bounds, Plan

BOUNDS = Bounds({"mt": 1000}, {"mt": 1000, "hg": 621}, 3219, 5000, None, 30, 20, None)
RL = {"learning_rate": 1e-6, "epochs": 1, "batch_size": 32, "micro_batch_size": 16}


def miniature(**changes: object) -> Config:
    return validate(merged([]) | changes)


def work_of(plan: Plan, rule: str, **places: str) -> Work:
    """The work of a job that has some."""
    found = plan.work(Job(rule, places))
    assert found is not None
    return found


def test_steps_of_sft_count_the_short_last_batch() -> None:
    settings = Sft(learning_rate=1e-4, epochs=3, batch_size=16, micro_batch_size=16)
    assert updates(settings, 2600) == 489  # 162.5 batches an epoch; as a run of the miniature has it
    assert updates(settings, 16) == 3


@pytest.mark.parametrize(
    ("prompts", "per_generation", "steps"),
    [
        (90_000, None, 22_500),  # 32 completions are 4 prompts of 8
        (10_949, None, 2737),  # the last prompt fills no batch
        (100, 16, 24),  # 256 completions a generation, 32 prompts: three of them, eight updates each
    ],
)
def test_steps_of_grpo(prompts: int, per_generation: int | None, steps: int) -> None:
    assert grpo_updates(Grpo.model_validate(RL | {"steps_per_generation": per_generation}), prompts, 1) == steps


def test_jobs_of_the_miniature() -> None:
    plan = Plan(miniature(), BOUNDS)
    rl = work_of(plan, "train_grpo", task="mt", model="rl", seed="0")
    assert (rl.steps, rl.completions, rl.tokens) == (200, 12_800, 12_800 * 50)
    strong = work_of(plan, "train_sft", task="hg", model="strong_sft", seed="0")
    assert (strong.steps, strong.sequences) == (564, 9000)
    answers = work_of(plan, "generate", run="mt/rl/0")
    assert (answers.steps, answers.sequences) == (11, 700)  # 300 pairs and 400 questions in batches of 64
    assert plan.work(Job("score_text", {"run": "mt/rl/0"})) is None
    assert not any("rl-pairs" in name for name in plan.taken)


def test_work_of_a_searchs_trials() -> None:
    """2,600 pairs of mt are 163 batches of 16; 20 updates of RL are 1,280 completions; dev has 200 pairs."""
    rates = {"of": "rl", "task": "mt", "grid": {"learning_rate": [1.0e-4]}, "steps": 20}
    epochs = {"of": "strong_sft", "task": "mt", "grid": {"epochs": [1]}}
    config = miniature(search={"rates": rates, "epochs": epochs})
    plan, trials = Plan(config, BOUNDS), config.trials()
    short = work_of(plan, "train_grpo", task="mt", model=trials["rates"][1].model, seed="0")
    assert (short.steps, short.completions) == (20, 1280)
    once = work_of(plan, "train_sft", task="mt", model=trials["epochs"][1].model, seed="0")
    assert (once.steps, once.sequences) == (163, 2600)
    answers = work_of(plan, "generate", run=f"mt/{trials['rates'][1].model}/0/dev")
    assert (answers.steps, answers.sequences) == (4, 200)


@pytest.mark.parametrize(
    ("model", "kind", "steps"),
    [
        ("dpo@1600", "sft", 267),  # 1,600 preferences of two answers, read by the reference too: 4,267 passes in 16s
        ("best_of_n@1600", "sft", 100),
        ("replay@1200", "sft", 282),  # 300 texts beside the pairs, three epochs as in strong SFT
        ("kl_sft@1200", "sft", 300),
        ("grpo_kl_base@0.1", "grpo", 200),
        ("grpo_guard@1600", "grpo", 200),
    ],
)
def test_work_of_the_methods(model: str, kind: str, steps: int) -> None:
    work = work_of(Plan(miniature(), BOUNDS), "train_method", task="mt", model=model, seed="0")
    assert (work.kind, work.steps) == (kind, steps)


def test_work_of_sampling() -> None:
    plan = Plan(miniature(), BOUNDS)
    candidates = work_of(plan, "sample_candidates", task="mt", seed="0")
    chosen = work_of(plan, "choose_answers", task="hg", model="mbr@16", seed="0")
    assert (candidates.sequences, candidates.completions) == (12_800, 12_800)  # eight for each prompt of RL
    assert chosen.sequences == 300 * 16
    assert plan.work(Job("train_method", {"task": "mt", "model": "interpolation@0.5", "seed": "0"})) is None


def test_jobs_of_the_encoder_ablation() -> None:
    plan = Plan(miniature(), BOUNDS)
    raw, pairs = (work_of(plan, "train_encoder", encoder=name) for name in ("raw", "bilingual"))
    assert (raw.steps, raw.sequences) == (0, 0)
    assert pairs.steps == 250  # 16,000 rows in batches of 64
    assert work_of(plan, "measure_threshold", task="mt", seed="0", threshold="threshold-raw").sequences == 200
    assert not plan.taken.keys() & {"--encoder-rows"}


def test_what_only_the_data_tell_is_taken_from_the_bounds_and_said() -> None:
    plan = Plan(validate(changed("tasks.mt.split.rl", None)), BOUNDS)
    work = work_of(plan, "train_grpo", task="mt", model="rl", seed="0")
    assert work.steps == 1000 * 8 // 64
    assert plan.taken["--rl-pairs mt=1000"] == "tasks.mt.split.rl is null"


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


NOTHING_GIVEN = Bounds({}, {}, None, None, None, None, None, None)


def mine(**mt: object) -> Plan:
    """public.yaml with another translation task, and nothing given."""
    raw = merged([ROOT / "config" / "public.yaml"])
    raw["tasks"]["mt"] |= mt
    return Plan(validate(raw), NOTHING_GIVEN)


def rl_steps(plan: Plan, task: str = "mt") -> int:
    work = work_of(plan, "train_grpo", task=task, model="rl", seed="0")
    return work.steps


def test_pairs_to_be_fetched_are_those_published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """1,997 of NTREX-128 and 997 of FLORES+, less 800 and 300: 1,894, of which eight make a batch."""
    monkeypatch.chdir(tmp_path)
    plan = mine()
    assert rl_steps(plan) == 236
    assert plan.test_pairs("mt") == 1012
    assert plan.taken["tasks.mt.train, 2994 rows"].startswith("as published")
    assert "1894 pairs for RL on mt" in plan.taken
    encoder = work_of(plan, "train_encoder", encoder="reward")
    assert encoder.steps == -(-3 * (800 + 1894 + 35_158) // 128)  # with the scriptures, three times, in batches of 128
    of_paper = Plan(validate(merged([ROOT / "config" / "paper.yaml"])), NOTHING_GIVEN)
    assert rl_steps(of_paper) == (35_158 - 5000 - 500 - 1000) // 4
    assert rl_steps(of_paper, "hg") == 10_949 // 4  # what is left of the paper's 16,449


@pytest.mark.parametrize("mirrored", [False, True])
def test_pairs_that_are_here_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirrored: bool) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("copies" if mirrored else "results/downloads", "ntrex128")
    folder.mkdir(parents=True)
    names = ("newstest2019-ref.zho-CN.txt", "newstest2019-ref.bod.txt", "DOCUMENT_IDS.tsv")
    for name in names:
        (folder / name).write_text("a\n" * 1200)
    raw = merged([ROOT / "config" / "public.yaml"]) | ({"mirror": "copies"} if mirrored else {})
    raw["tasks"]["mt"]["train"] = raw["tasks"]["mt"]["train"][:1]
    plan = Plan(validate(raw), NOTHING_GIVEN)
    assert rl_steps(plan) == (1200 - 800 - 300) // 8
    assert plan.counted["tasks.mt.train"] == "1200 rows"
    assert rl_steps(Plan(validate(raw), BOUNDS)) == 1000 // 8  # a number that is given counts for more


def test_a_number_that_is_not_known_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    plan = mine(train=[{"format": "jsonl", "path": "mine.jsonl"}])
    with pytest.raises(InputError, match=r"config key tasks\.mt\.train: mine\.jsonl is not here yet.*--rl-pairs mt=…"):
        rl_steps(plan)
    Path("mine.jsonl").write_text('{"source": "a", "target": "b"}\n' * 1100)
    with pytest.raises(InputError, match=r"tasks\.mt\.train: its 1100 pairs leave none for RL"):
        rl_steps(mine(train=[{"format": "jsonl", "path": "mine.jsonl"}]))
    with pytest.raises(InputError, match=r"config key tasks\.mt\.test: .*--test-pairs mt=…"):
        mine(test=[{"format": "jsonl", "path": "none.jsonl"}]).test_pairs("mt")


@pytest.mark.parametrize(("limit", "questions"), [(500, 500), (9999, 3219)])
def test_a_limit_makes_no_questions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int, questions: int
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = merged([ROOT / "config" / "public.yaml"])
    raw["retention"]["benchmarks"]["cmrc"]["limit"] = limit
    assert Plan(validate(raw), NOTHING_GIVEN)._questions() == questions


def test_a_plan_says_what_it_assumes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main([str(ROOT / "config" / "public.yaml"), "--target", "results/mt/rl/0/adapter"])
    said = capsys.readouterr().out
    assert "Rates of RTX 4090: ESTIMATE, NOT MEASURED (floors by this card's data sheet" in said
    assert "| train_grpo | mt/rl | 1 | 236 | 15104 |" in said  # 236 updates of 64 completions
    assert "- tasks.mt.train, 2994 rows: as published; --rl-pairs mt=… says otherwise" in said

"""What reruns beyond single keys: added seeds and variants, equal values, edits of code, dates, data, moved folders."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import TINY
from tests.workflow.jobs import reruns
from tests.workflow.run import plans, snakemake
from tests.workflow.test_reruns import CONFIG

NOTHING: Counter[str] = Counter()
COUNTED = {"check_amounts": 1}  # what must be there before anything costly
MEASURED = {"generate": 1, "score_text": 1, "score_similarity": 1}
RL_RUN = MEASURED | {"train_grpo": 1, "check_grpo": 1, "audit_rollouts": 1}
OF_A_VARIANT = RL_RUN | {"tabulate_paper": 1, "tabulate_audit": 1, "draw_figure": 1}
OF_AN_ENCODER = ("measure_threshold", "train_grpo", "tabulate_encoders")
OF_A_SIZE = MEASURED | {"train_sft": 1, "measure_likelihood": 1}
FRONTIER = {"tabulate_frontier": 1, "tabulate_costs": 1, "tabulate_audit": 1, "draw_figure": 1}

# An overlay, and the jobs that it adds or reruns.
CASES: dict[str, tuple[dict[str, Any] | str, dict[str, int]]] = {
    "another seed: its own jobs, as many as of the first, and the tables": (
        {"seeds": [0, 1]},
        reruns("train_sft *", "measure_threshold *"),
    ),
    "another order of seeds is another order of nothing": ({"seeds": [0]}, NOTHING),
    "another variant": ({"ablation": {"variants": {"bleu_alone": {"rewards": {"bleu": 1.0}}}}}, OF_A_VARIANT),
    "the variants on the other task": ({"ablation": {"task": "hg"}}, OF_A_VARIANT),
    "another encoder": (
        {"encoder_ablation": {"encoders": {"seeded": {"seed": 5}}}},
        MEASURED | dict.fromkeys(("train_encoder", "examine_encoder", "check_amounts", *OF_AN_ENCODER), 1),
    ),
    "the encoders on the other task": (
        {"encoder_ablation": {"task": "hg"}},
        MEASURED | dict.fromkeys(OF_AN_ENCODER, 1),
    ),
    "another start": (
        {"few_shot": {"starts": ["base", "strong_sft", "rl", "cold_sft"]}},
        MEASURED | {"train_sft": 1, "tabulate_paper": 1},
    ),
    "a start less": ({"few_shot": {"starts": ["base", "rl"]}}, {"tabulate_paper": 1}),
    "transfer the other way": (
        {"few_shot": {"task": "mt", "source_task": "hg"}},
        {rule: 3 * count for rule, count in MEASURED.items()} | {"train_sft": 3, "tabulate_paper": 1} | COUNTED,
    ),
    "another size": (
        {"frontier": {"sft_pairs": [32, 40]}},
        {rule: 2 * count for rule, count in OF_A_SIZE.items()} | FRONTIER | COUNTED,
    ),
    "another strength: its own jobs": (
        {"frontier": {"methods": {"dpo": {"strengths": [16, 32]}}}},
        {rule: 2 * count for rule, count in OF_A_SIZE.items() if rule != "train_sft"} | FRONTIER | {"train_method": 2},
    ),
    "an entry less": ({"frontier": {"methods": {"mbr": None}}}, FRONTIER),
    "another entry, of a method that trains nothing": (
        {"frontier": {"methods": {"halfway": {"method": "interpolation", "of": "rl", "strengths": [0.5]}}}},
        {rule: 2 * count for rule, count in OF_A_SIZE.items() if rule != "train_sft"} | FRONTIER | {"train_method": 2},
    ),
    "answers chosen among those of another model": (
        {"frontier": {"methods": {"mbr": {"of": "rl"}}}},
        reruns("choose_answers *", "copy_likelihood *"),
    ),
    "no snapshot": ({"frontier": {"rl_steps": []}}, FRONTIER | COUNTED),
    "no judge": (
        {"judge": {"kind": "none"}, "statistics": {"primary": []}},
        reruns("score_text *", "tabulate_paper table3", "compare_systems"),
    ),
    "a value that becomes equal to its sibling's": ({"lora": {"alpha": 64}}, reruns("train_sft *")),
    "two values that change places": ({"lora": {"rank": 128, "alpha": 64}}, reruns("train_sft *")),
    "a setting of one method that becomes another method's": (
        {"cold_sft": {"learning_rate": 5.0e-4}, "rl": {"learning_rate": 1.0e-3}},
        reruns("train_sft */cold_sft", "train_grpo *"),
    ),
    "as many rows a forward pass as a batch, or more": (
        {"encoders": {"reward": {"mini_batch_size": 1000}}},
        NOTHING,
    ),
    "fewer rows a forward pass than a batch": (
        {"encoders": {"reward": {"mini_batch_size": 32}}},
        reruns("train_encoder reward", "train_encoder raw"),  # which has what it does not say from the reward's
    ),
    "everything written out, in reverse": ("reversed", NOTHING),
}


def backwards(value: Any) -> Any:
    """The same mappings with their keys in reverse."""
    if isinstance(value, dict):
        return {key: backwards(inner) for key, inner in reversed(value.items())}
    return [backwards(inner) for inner in value] if isinstance(value, list) else value


def counted(jobs: dict[str, Any]) -> dict[str, int]:
    assert "error" not in jobs, jobs["error"]
    return {rule: count for rule, count in jobs.items() if rule not in ("all", "figures")}


@pytest.fixture(scope="module")
def planned(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("overlays")
    overlays = []
    for number, (changes, _) in enumerate(CASES.values()):
        file = folder / f"{number}.yaml"
        file.write_text(yaml.safe_dump(backwards(CONFIG) if changes == "reversed" else changes, sort_keys=False))
        overlays.append([TINY, file])
    return dict(zip(CASES, plans(finished, overlays), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_what_changes_the_jobs(case: str, planned: dict[str, dict[str, Any]]) -> None:
    assert counted(planned[case]) == CASES[case][1]


LIBRARY = "workflow/scripts/semalign"
# A file, what an edit replaces in it, and the jobs that run again.
EDITS: dict[str, tuple[str, str, str, dict[str, int]]] = {
    "a function of the text metrics": (
        f"{LIBRARY}/metrics/rouge.py",
        "rouge_tokens(",
        "list(rouge_tokens)(",
        reruns("score_text *"),
    ),
    "a function of likelihood": (
        f"{LIBRARY}/policy/likelihood.py",
        "import torch\n",
        "import torch\nA = 1\n",
        reruns("measure_likelihood *"),
    ),
    "a method's file": (f"{LIBRARY}/methods/dpo.py", "found = []\n", "found = list()\n", reruns("train_method *")),
    "GRPO's module": (
        f"{LIBRARY}/policy/grpo.py",
        "import logging\n",
        "import logging\nA = 1\n",
        reruns("train_grpo *"),
    ),
    "a script": ("workflow/scripts/judge_pairs.py", "ids = [", "ids = [] + [", reruns("judge_pairs *")),
    "a figure's module": (f"{LIBRARY}/figures/auditing.py", "import ", "import os as _os\nimport ", {"draw_figure": 1}),
}
WITHOUT_EFFECT = {
    "a comment of a module that all use": (
        f"{LIBRARY}/runtime/files.py",
        "import os\n",
        "import os  # here\n",
    ),
    "a docstring": (f"{LIBRARY}/metrics/rouge.py", '"""', '"""Said otherwise. '),
    "how a job is stopped": (f"{LIBRARY}/runtime/signals.py", "BETWEEN_LOOKS = 0.5", "BETWEEN_LOOKS = 0.6"),
    "a method that is not made": (f"{LIBRARY}/methods/replay.py", "wanted = ", "wanted = 0 + "),
    "a comment of a rule": ("workflow/rules/train.smk", "rule train_sft:", "# Trained here.\nrule train_sft:"),
    "what a rule asks for": ("workflow/rules/evaluate.smk", "minutes=240", "minutes=300"),
}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has changed: give this test another line to edit"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_reruns_what_uses_the_code(case: str, finished: Path, project: Path) -> None:
    name, old, new, expected = EDITS[case]
    edit(project / name, old, new)
    (jobs,) = plans(finished, [[TINY]], project=project)
    assert counted(jobs) == expected


def test_dates_and_edits_that_change_no_result_rerun_nothing(finished: Path, project: Path) -> None:
    for name, old, new in WITHOUT_EFFECT.values():
        edit(project / name, old, new)
    for file in [project, *project.rglob("*")]:  # as a checkout does
        os.utime(file)
    assert plans(finished, [[TINY]], project=project) == [{}]


def test_a_moved_folder_is_still_finished(finished: Path) -> None:
    elsewhere = finished.with_name("elsewhere")
    finished.rename(elsewhere)
    try:
        assert plans(elsewhere, [[TINY]]) == [{}]
    finally:
        elsewhere.rename(finished)


def test_the_users_own_data_count_by_what_they_hold(tmp_path: Path) -> None:
    less = {"world": {"mt_train": 60, "hg_train": 60, "encoder_triplets": 30}, "frontier": None, "few_shot": None}
    overlay = tmp_path / "own.yaml"
    overlay.write_text(yaml.safe_dump(less))
    target = "results/data/hg/cold.jsonl"
    made = snakemake(tmp_path, "results/world/hg_train.jsonl", overlays=[TINY, overlay])
    assert made.returncode == 0, made.stderr
    data = tmp_path / "data.jsonl"
    rows = (tmp_path / "results" / "world" / "hg_train.jsonl").read_text(encoding="utf-8")
    data.write_text(rows + "\n" * 2_000_000, encoding="utf-8")  # Snakemake itself takes no hash of more than a megabyte
    split = {"cold": 8, "rl": 16, "dev": 4}
    own = less | {"tasks": {"hg": {"train": [{"format": "jsonl", "path": data.name}], "split": split}}}
    overlay.write_text(yaml.safe_dump(own))
    made = snakemake(tmp_path, target, overlays=[TINY, overlay])
    assert made.returncode == 0, made.stderr

    def planned() -> dict[str, int]:
        return counted(plans(tmp_path, [[TINY, overlay]], target=target)[0])

    assert planned() == {}
    os.utime(data)
    assert planned() == {}
    status, content = data.stat(), data.read_bytes()
    changed = content.replace(b'"id": "', b'"id":"', 1) + b"\n"
    assert len(changed) == len(content)
    data.write_bytes(changed)
    os.utime(data, ns=(status.st_atime_ns, status.st_mtime_ns))  # of the same size and date
    assert planned() == {"prepare_pairs": 1, "filter_length": 1, "split_pairs": 1}

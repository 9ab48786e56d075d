"""The gates of reinforcement learning, from reports on the disk."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from semalign.preflight.gates import check_exams, check_variance
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json

PASSING: dict[str, Any] = {
    "retrieval": {"source_to_target": 0.95, "target_to_source": 0.9},
    "spearman": {"value": 0.8},
    "auc": [{"higher": "paraphrase", "lower": "random", "auc": 0.7}],
    "inequalities": {},
}
CONFIG: dict[str, Any] = {
    "exam": {"thresholds": {"retrieval": 0.9, "spearman": 0.8, "auc": 0.5}},
    "rl": {"max_zero_variance_share": 0.75},
}


def test_every_encoder_must_pass(tmp_path: Path) -> None:
    first, second = tmp_path / "reward.json", tmp_path / "independent.json"
    for path in (first, second):
        write_json(path, PASSING)
    check_exams(CONFIG, SimpleNamespace(exams=[str(first), str(second)]))
    check_exams(CONFIG, SimpleNamespace(exams=[]))
    write_json(second, PASSING | {"spearman": {"value": 0.79}})
    with pytest.raises(InputError, match=r"independent\.json: the encoder fails its exam: spearman is 0\.790, its thr"):
        check_exams(CONFIG, SimpleNamespace(exams=[str(first), str(second)]))
    check_exams(CONFIG, SimpleNamespace(exams=str(first)))


@pytest.mark.parametrize(("share", "passes"), [(0.0, True), (0.75, True), (0.76, False)])
def test_no_more_groups_than_allowed_had_equal_rewards(share: float, passes: bool, tmp_path: Path) -> None:
    report = tmp_path / "training.json"
    write_json(report, {"zero_variance_group_share": share})
    if passes:
        check_variance(CONFIG, SimpleNamespace(training=[str(report)]))
    else:
        with pytest.raises(InputError, match=r"training.json: 76% of the groups had equal rewards .* = 75%"):
            check_variance(CONFIG, SimpleNamespace(training=str(report)))

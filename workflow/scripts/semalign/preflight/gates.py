"""The gates of reinforcement learning: both encoders' exams before it, the variance of its rewards after it.

A job behind a gate checks it by itself, against thresholds that are no parameters of its rule, so that another
threshold is not another training. The tables require the gates' own rules (`check_encoder`, `check_grpo`), which run
again when a threshold changes.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from semalign.config.models import ExamThresholds
from semalign.encoder.exam import shortfalls
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json


def check_exams(config: Mapping[str, Any], input: Any) -> None:
    """Raise InputError unless the reports in `input.exams` reach the config's `exam.thresholds`.

    The message names the first report that does not, and each of its figures below a threshold.
    """
    thresholds = ExamThresholds.model_validate(config["exam"]["thresholds"])
    for path in _listed(input.exams):
        if failed := shortfalls(read_json(path), thresholds):
            raise InputError(
                f"{path}: the encoder fails its exam: {'; '.join(failed)}. Train it longer or on more data "
                "(encoders.*), or set exam.thresholds to what you can accept; RL on such a reward optimises something "
                "else than meaning"
            )


def check_variance(config: Mapping[str, Any], input: Any) -> None:
    """Raise InputError where more groups than the config's `rl.max_zero_variance_share` had equal rewards.

    `input.training`: reports of GRPO. A group whose completions all earned the same gives it no gradient.
    """
    most = config["rl"]["max_zero_variance_share"]
    for path in _listed(input.training):
        share = read_json(path)["zero_variance_group_share"]
        if share > most:
            raise InputError(
                f"{path}: {share:.0%} of the groups had equal rewards (rl.max_zero_variance_share = {most:.0%}): "
                "GRPO learns nothing from them; check τ and the temperature, or raise the share"
            )


def _listed(paths: str | Iterable[str]) -> list[Path]:
    """An input of a rule, which Snakemake gives as one path or as several."""
    return [Path(path) for path in ([paths] if isinstance(paths, str) else paths)]

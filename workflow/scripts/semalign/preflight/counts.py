"""Checks of the divided data: enough examples for every training, and none that is too long."""

from collections.abc import Callable, Iterable, Sequence

from semalign.encoder.exam_set import choose_pairs
from semalign.preflight.amounts import Need, Part
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.perturbations import canonical

Length = Callable[[Row], int]


def check_task(
    task: str,
    cold: Sequence[Row],
    rl: Sequence[Row],
    needs: Sequence[Need],
    limits: dict[str, dict[str, int]],
    prompt_length: Length,
    length: Length,
) -> dict[str, int]:
    """The amounts of a task's data, once they are enough.

    `limits`: {part: {config key: the most tokens}} of a prompt ("prompts": longer ones RL leaves out) and of whole
    conversations ("cold", "pairs": a longer one ends the training). The lengths are in tokens of the policy; they are
    asked for where a limit needs them.

    Returns pairs of the cold start, of RL, and RL's prompts within the limit. Raises InputError with the config key.
    """
    pairs = [*cold, *rl]
    for part, rows in (("cold", cold), ("pairs", pairs)):
        _check_lengths(task, rows, limits.get(part, {}), length)
    [(key, most)] = limits["prompts"].items()
    prompts = sum(prompt_length(row) <= most for row in rl)
    remark = (
        f"; {len(rl) - prompts} of its {len(rl)} prompts are longer than {key}: {most}" if prompts < len(rl) else ""
    )
    found: dict[Part, int] = {"cold": len(cold), "pairs": len(pairs), "rl": len(rl), "prompts": prompts}
    for need in needs:
        if problem := need.problem(task, found[need.part]):
            raise InputError(f"config key {problem}{remark if need.part == 'prompts' else ''}")
    return {"cold": len(cold), "rl": len(rl), "prompts": prompts}


def _check_lengths(task: str, rows: Sequence[Row], limits: dict[str, int], length: Length) -> None:
    lengths = [length(row) for row in rows] if limits else []
    for key, most in limits.items():
        if too_long := sum(found > most for found in lengths):
            raise InputError(
                f"config key {key}: {most} would cut {too_long} of {len(rows)} examples of {task} (the longest has "
                f"{max(lengths)} tokens); raise it, or lower tasks.{task}.max_tokens"
            )


def check_encoder(key: str, rows: int, batch_size: int, least: int) -> None:
    """Raise InputError where an encoder's rows make no update with a rate, or no negatives."""
    if rows < max(2, least):
        raise InputError(
            f"config key {key}.train: {rows} rows are left for training, and with batch_size {batch_size} and its "
            f"warm-up {max(2, least)} are needed, since the first update has no rate; give more rows, lower "
            f"{key}.batch_size, raise {key}.epochs, or set {key}.warmup_ratio: 0"
        )


def check_exam(key: str, pairs: Iterable[Row], learnt: Iterable[Row], size: int, seed: int) -> dict[str, int]:
    """The counts of the exam's pairs for an encoder that learns these rows of texts, once they are enough.

    Raises InputError as the exam would: where they are of fewer than two documents that the encoder does not see.
    """
    seen = {canonical(text) for row in learnt for text in row.values()}
    try:
        return choose_pairs(pairs, seen, size, seed)[1]
    except InputError as error:
        raise InputError(f"{error} (for the exam of {key})") from error

"""On one card a training gives the same bytes twice, and ends as it would have where it was killed; `auto` finds a
number of examples that fits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from semalign.config.training import Sft
from semalign.policy.micro_batch import chosen
from semalign.runtime.workspace import Workspace
from tests.gpu import work
from tests.gpu.conftest import DTYPES, furthest
from tests.unit.resume.test_checkpoints import killed_at

Note = Callable[..., None]
# On a CPU tests/unit/resume asks the same of more trainings.
pytestmark = pytest.mark.long


def train(kind: str, policy: Path, starts: dict[str, Path], device: str, dtype: str, workspace: Workspace) -> Any:
    """With dropout, whose random state a checkpoint holds."""
    run: Any = {"sft": work.sft, "grpo": work.grpo}[kind]
    return run(policy, starts[f"{dtype}, dropout"], device, dtype, workspace)


def compared(one: dict[str, Any], other: dict[str, Any], figures: Note, **more: Any) -> None:
    figures(
        same_bytes=one["sha256"] == other["sha256"],
        same_log=json.dumps(one["log"]) == json.dumps(other["log"]),
        same_rollouts=one.get("rollouts") == other.get("rollouts"),
        furthest=furthest(one["after"], other["after"]),
        **more,
    )
    assert one.get("rollouts") == other.get("rollouts")
    assert one["sha256"] == other["sha256"]
    assert json.dumps(one["log"]) == json.dumps(other["log"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_again_and_killed(
    kind: str,
    dtype: str,
    device: str,
    tiny_policy: Path,
    starts: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Note,
) -> None:
    given = (kind, tiny_policy, starts, device, dtype)
    whole = train(*given, work.made(tmp_path / "whole"))
    again = train(*given, work.made(tmp_path / "again"))
    killed = work.made(tmp_path / "killed", seconds=0)
    with monkeypatch.context() as patch:
        killed_at(3, patch)
        with pytest.raises(KeyboardInterrupt):
            train(*given, killed)
    assert [path.name for path in (killed.folder / "checkpoints").glob("checkpoint-2")] == ["checkpoint-2"]
    resumed = train(*given, killed)
    assert not (whole["after"] == whole["before"]).all()
    same = whole["sha256"] == again["sha256"]
    compared(whole, resumed, figures, same_bytes_again=same, furthest_again=furthest(whole["after"], again["after"]))
    assert same


def test_encoder_again_and_killed(device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Note) -> None:
    whole = work.encoder(tmp_path / "whole", device, work.made(tmp_path / "work"), dropout=0.1)
    again = work.encoder(tmp_path / "again", device, work.made(tmp_path / "other"), dropout=0.1)
    killed = work.made(tmp_path / "killed", seconds=0)
    with monkeypatch.context() as patch:
        killed_at(5, patch)
        with pytest.raises(KeyboardInterrupt):
            work.encoder(tmp_path / "resumed", device, killed, dropout=0.1)
    resumed = work.encoder(tmp_path / "resumed", device, killed, dropout=0.1)
    figures(
        same_bytes=whole["sha256"] == resumed["sha256"],
        same_bytes_again=whole["sha256"] == again["sha256"],
        furthest=furthest(whole["embeddings"], resumed["embeddings"]),
        furthest_again=furthest(whole["embeddings"], again["embeddings"]),
    )
    assert whole["sha256"] == again["sha256"] == resumed["sha256"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_auto_finds_a_number_and_trains_with_it(
    kind: str, dtype: str, device: str, tiny_policy: Path, starts: dict[str, Path], tmp_path: Path, figures: Note
) -> None:
    """A card that holds a tiny model takes the whole batch in one pass, as the CPU does."""
    run: Any = {"sft": work.sft, "grpo": work.grpo}[kind]
    settings: Any = {"sft": work.SFT, "grpo": work.GRPO}[kind]
    ended = []
    for size in ("auto", settings.batch_size):
        changed = type(settings).model_validate(settings.model_dump() | {"micro_batch_size": size})
        workspace = work.made(tmp_path / str(size))
        ended.append(run(tiny_policy, starts[dtype], device, dtype, workspace, changed))
    auto, written = ended
    assert auto["report"]["micro_batch_size"] == settings.batch_size
    assert (tmp_path / "auto" / "micro_batch.json").is_file()
    compared(auto, written, figures, found=auto["report"]["micro_batch_size"])


def test_auto_takes_fewer_where_the_card_has_no_more_memory(
    device: str, tiny_policy: Path, starts: dict[str, Path], tmp_path: Path, figures: Note
) -> None:
    if device == "cpu":
        pytest.skip("no GPU here: on a CPU the number follows from the lengths alone")
    model, _ = work.adapted(tiny_policy, starts["bfloat16"], device, "bfloat16", trainable=True)
    settings = Sft.model_validate(work.RATES | {"epochs": 1, "batch_size": 512, "micro_batch_size": "auto"})
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(2**30 / total)  # 1 GiB
    given: Any = {"dtype": "bfloat16", "checkpointing": True, "workspace": work.made(tmp_path / "tight")}
    try:
        found = chosen(settings, model, 4096, **given)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    figures(found=found, of=settings.batch_size)
    assert 1 < found < settings.batch_size
    assert work.sft(tiny_policy, starts["bfloat16"], device, "bfloat16", work.made(tmp_path / "after"))["sha256"]

"""Trainings, answers, likelihoods and rewards on a device beside those of the CPU in float32."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.gpu import work
from tests.gpu.conftest import DTYPES, TOLERANCE, Call, cosine, furthest, relative

Note = Callable[..., None]


def test_products_in_float32_are_not_rounded_to_tf32(device: str, figures: Note) -> None:
    torch.manual_seed(0)
    one, other = torch.randn(256, 1024), torch.randn(1024, 256)
    exact = (one.double() @ other.double()).numpy()
    error = relative((one.to(device) @ other.to(device)).cpu().numpy(), exact)
    figures(precision=torch.get_float32_matmul_precision(), relative=error)
    assert error < 1e-5  # TF32: 3e-4


@pytest.mark.parametrize("dtype", DTYPES)
def test_sft(
    dtype: str, device: str, tiny_policy: Path, starts: dict[str, Path], tmp_path: Path, on_cpu: Call, figures: Note
) -> None:
    found = work.sft(tiny_policy, starts[dtype], device, dtype, work.made(tmp_path / "device"))
    wanted = on_cpu(work.sft, tiny_policy, starts["float32"], "cpu", "float32", work.made(tmp_path / "cpu"))
    assert np.array_equal(found["before"], wanted["before"])
    moves = [one["after"] - one["before"] for one in (found, wanted)]
    measured = {
        "updates": found["report"]["steps"],
        "loss": furthest(found["losses"], wanted["losses"]),
        "update_cosine": cosine(*moves),
        "update_relative": relative(*moves),
        "adapter_relative": relative(found["after"], wanted["after"]),
    }
    figures(**measured)
    # TrainingProof has seen that the adapter moved and the base did not
    assert found["report"]["steps"] == len(found["losses"]) == len(work.ROWS) // work.SFT.batch_size
    assert measured["loss"] < TOLERANCE[dtype]["value"]
    assert measured["update_cosine"] > TOLERANCE[dtype]["update"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_grpo(
    dtype: str,
    device: str,
    tiny_policy: Path,
    starts: dict[str, Path],
    encoder: Path,
    tmp_path: Path,
    on_cpu: Call,
    figures: Note,
) -> None:
    """The CPU learns from the very completions that the device has sampled, so that updates can be compared."""
    ours = work.made(tmp_path / "device")
    found = work.grpo(tiny_policy, starts[dtype], device, dtype, ours, encoder=encoder)
    rollouts, theirs = found["rollouts"], work.made(tmp_path / "cpu")
    given = {"encoder": encoder, "replayed": found["samples"]}
    wanted = on_cpu(work.grpo, tiny_policy, starts["float32"], "cpu", "float32", theirs, **given)
    assert [row["completion"] for row in wanted["rollouts"]] == [row["completion"] for row in rollouts]
    moves = [one["after"] - one["before"] for one in (found, wanted)]
    # with the device's adapter, whose base must be of its precision
    sure = on_cpu(work.log_probability, tiny_policy, found["adapter"], "cpu", dtype, rollouts)
    measured = {
        "updates": found["report"]["steps"],
        "completions": len(rollouts),
        "reward": furthest([row["similarity"] for row in rollouts], on_cpu(work.rewards, encoder, "cpu", rollouts)),
        "log_probability": abs(work.log_probability(tiny_policy, found["adapter"], device, dtype, rollouts) - sure),
        "update_cosine": cosine(*moves),
        "update_relative": relative(*moves),
        "adapter_relative": relative(found["after"], wanted["after"]),
    }
    figures(**measured)
    assert len(rollouts) == found["report"]["steps"] * work.GRPO.batch_size > work.GRPO.batch_size
    assert len({row["completion"] for row in rollouts}) > 1
    assert measured["reward"] < TOLERANCE["float32"]["value"]  # an encoder works in float32 beside either policy
    assert measured["log_probability"] < TOLERANCE[dtype]["value"]
    assert measured["update_cosine"] > TOLERANCE[dtype]["update"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_greedy_answers(
    dtype: str, device: str, tiny_policy: Path, starts: dict[str, Path], tmp_path: Path, on_cpu: Call, figures: Note
) -> None:
    found = work.answers(tiny_policy, starts[dtype], device, dtype, tmp_path / "device")
    again = work.answers(tiny_policy, starts[dtype], device, dtype, tmp_path / "again")
    wanted = on_cpu(work.answers, tiny_policy, starts["float32"], "cpu", "float32", tmp_path / "cpu")
    equal = float(np.mean([one == other for one, other in zip(found, wanted, strict=True)]))
    figures(answers=len(found), share_equal=equal, share_equal_again=float(np.mean([found == again])))
    assert all(tokens > 0 for _, tokens in found)
    assert found == again
    assert equal >= TOLERANCE[dtype]["answers"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_likelihood(
    dtype: str, device: str, tiny_policy: Path, starts: dict[str, Path], on_cpu: Call, figures: Note
) -> None:
    found = work.likelihood(tiny_policy, starts[dtype], device, dtype)
    wanted = on_cpu(work.likelihood, tiny_policy, starts["float32"], "cpu", "float32")
    measured = {
        "tokens": len(found["nll"]),
        "nll": furthest(found["nll"], wanted["nll"]),
        "mean_nll": abs(float(found["nll"].mean() - wanted["nll"].mean())),
        "kl_relative": relative(found["kl"], wanted["kl"]),
        "mean_kl": float(wanted["kl"].mean()),
        "floor": float(found["floor"].max()),
        "floor_of_cpu": float(wanted["floor"].max()),
    }
    figures(**measured)
    assert np.array_equal(found["passage"], wanted["passage"])
    assert np.isfinite(found["floor"]).all()
    assert found["floor"].mean() < 0.01 * found["kl"].mean()
    assert measured["mean_nll"] < TOLERANCE[dtype]["value"]
    assert measured["kl_relative"] < 4 * TOLERANCE[dtype]["value"]  # of a difference of two log-probabilities


def test_encoder(device: str, tmp_path: Path, on_cpu: Call, figures: Note) -> None:
    """In float32 whatever the policy has."""
    found = work.encoder(tmp_path / "device", device, work.made(tmp_path / "work"))
    wanted = on_cpu(work.encoder, tmp_path / "cpu", "cpu", work.made(tmp_path / "other"))
    pairs: Any = [(one @ one.T) for one in (found["embeddings"], wanted["embeddings"])]
    measured = {
        "updates": len(found["losses"]),
        "loss": furthest(found["losses"], wanted["losses"]),
        "similarity": furthest(*pairs),
        "embedding_of_one_encoder": furthest(found["embeddings"], on_cpu(work.embedded, tmp_path / "device", "cpu")),
    }
    figures(**measured)
    assert found["losses"][-1] < found["losses"][0]
    assert measured["embedding_of_one_encoder"] < 1e-5
    assert measured["loss"] < 1e-3
    assert measured["similarity"] < 1e-2  # AdamW enlarges what differs, and nothing scales it down again

"""The device under test, the CPU as its reference, and where measured figures are written down."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gpu import work

Call = Callable[..., Any]

# What a device may differ by from the CPU in float32. float32 has 24 bits, and these sums have some hundred terms: a
# relative error of 1e-6 in a pass, which AdamW enlarges where a gradient is nearly 0, since it divides by its size.
# bfloat16 has 8 bits, so 0.4% in each of some ten operations that follow one another; of its updates the direction
# is what counts. TF32, with 11 bits, would fail what is asked of float32.
TOLERANCE = {
    "float32": {"value": 1e-4, "update": 0.999, "answers": 1.0},
    "bfloat16": {"value": 5e-2, "update": 0.9, "answers": 0.0},
}
DTYPES = list(TOLERANCE)


@pytest.fixture(scope="session")
def device() -> str:
    import torch

    return os.environ.get("SEMALIGN_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(scope="session")
def on_cpu() -> Iterator[Call]:
    """Runs a function of `work` in a process that sees no GPU: within one process, accelerate knows one device."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(os.getpid).result()  # it has started, with this environment
        if seen is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = seen
        yield lambda function, *args, **kwargs: pool.submit(function, *args, **kwargs).result()


@pytest.fixture
def figures(request: pytest.FixtureRequest, device: str) -> Callable[..., None]:
    """Writes what a test has measured as a line of the file that SEMALIGN_GPU_FIGURES names, if it does."""

    def note(**values: Any) -> None:
        if path := os.environ.get("SEMALIGN_GPU_FIGURES"):
            line = json.dumps({"test": request.node.name, "device": device} | values)
            with open(path, "a", encoding="utf-8") as file:
                file.write(line + "\n")

    return note


@pytest.fixture(scope="session")
def starts(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Adapters to begin with, by the base's precision; `dropout`: one with dropout, in float32."""
    home = tmp_path_factory.mktemp("starts")
    found = {dtype: work.start(tiny_policy, dtype, home / dtype) for dtype in DTYPES}
    return found | {f"{dtype}, dropout": work.start(tiny_policy, dtype, home / f"{dtype}-d", 0.1) for dtype in DTYPES}


@pytest.fixture(scope="session")
def encoder(on_cpu: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence encoder that rewards."""
    home = tmp_path_factory.mktemp("encoder")
    on_cpu(work.encoder, home / "encoder", "cpu", work.made(home / "work"))
    return home / "encoder"


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one.astype(np.float64), other.astype(np.float64)
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def relative(one: Any, other: Any) -> float:
    """Length of the difference over the length of the second."""
    difference = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    return float(np.linalg.norm(difference) / np.linalg.norm(np.asarray(other, np.float64)))


def furthest(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max())

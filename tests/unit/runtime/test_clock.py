"""Seconds of model computation."""

import time

import pytest

from semalign.runtime import clock


def test_blocks_within_one_another_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 10.0, 20.0, 21.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    before = clock.model_seconds()
    with clock.model_work(), clock.model_work():
        pass
    assert clock.model_seconds() - before == 10.0
    with clock.model_work():
        pass
    assert clock.model_seconds() - before == 11.0

"""The runner of `make gpu-check`: what fails or does not end keeps nothing from running, and all is written down."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import gpu_check
from bench.gpu_check import Part, main, parts, run


def script(name: str, text: str, seconds: float = 60, **more: Any) -> Part:
    return Part(name, [sys.executable, "-c", text], seconds, **more)


def summary(output: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((output / "summary.json").read_text(encoding="utf-8"))["parts"]
    return found


def gone(pid: int) -> bool:
    """Has a process that was killed ended, within seconds? Where nobody reaps it, it stays as a zombie."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_part_that_fails_or_does_not_end_leaves_the_others_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_check, "GRACE", 0.2)
    started = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', '{}']); print(child.pid)\n"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    waits = started.format(stubborn) + "child.wait()"
    look = "import json, os; print(os.environ['GIVEN']); print([p['part'] for p in json.load(open({!r}))['parts']])"
    chosen = [
        script("fails", "print('one'); print(); print('two'); raise SystemExit(3)", alone=True),
        script("waits", waits, 2, alone=True),
        script("ends", look.format(str(tmp_path / "summary.json")), alone=True, environment={"GIVEN": "a"}),
    ]
    found = run(chosen, tmp_path, 60, {"device": "none"})
    assert found == summary(tmp_path)
    fails, waits_, ends = found
    assert (fails["status"], fails["exit_code"], fails["last"]) == ("failed", 3, ["one", "two"])
    assert (waits_["status"], waits_["exit_code"]) == ("ended after 2 s", None)
    assert 2 <= waits_["seconds"] < 30
    assert gone(int(waits_["last"][0]))  # what the part had started, which heeds no request
    assert (ends["status"], ends["last"]) == ("passed", ["a", "['fails', 'waits']"])  # each written down as it ends
    assert (tmp_path / "fails.log").read_text(encoding="utf-8") == "one\n\ntwo\n"
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["fails", "waits", "ends"]
    assert lines[0].startswith("gpu-check: fails: failed, ")
    assert lines[0].endswith(" s: two")


def test_only_parts_that_are_no_timing_run_side_by_side(tmp_path: Path) -> None:
    nap = "import time; print(time.time()); time.sleep(0.5); print(time.time())"
    chosen = [script("a", nap), script("b", nap), script("c", nap, alone=True), script("d", nap)]

    def overlap(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
        times = {record["part"]: [float(moment) for moment in record["last"]] for record in records}
        pairs = [(one, other) for one in times for other in times if one < other]
        return [(a, b) for a, b in pairs if times[a][0] < times[b][1] and times[b][0] < times[a][1]]

    assert overlap(run(chosen, tmp_path, 60, {})) in ([("a", "b")], [])  # none, where starting one takes long
    assert overlap(run(chosen, tmp_path, 60, {}, apart=True)) == []


def test_what_no_time_is_left_for_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "LEAST", 1.0)
    chosen = [script("long", "import time; time.sleep(600)", alone=True), script("late", "print(1)", alone=True)]
    began = time.monotonic()
    found = run(chosen, tmp_path, 2.2, {})
    assert time.monotonic() - began < 30
    assert [record["status"] for record in found] == ["ended after 2 s", "left out"]


def test_a_workflow_s_tables_and_logs_are_kept(tmp_path: Path) -> None:
    folder, output = tmp_path / "run", tmp_path / "output"
    output.mkdir()
    for name in ("table3.csv", "logs/train.log", "world/text.jsonl", "base/model.safetensors"):
        (folder / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "results" / name).write_text("x")
    text = "print('1 of 9 steps (11%) done'); print('2 of 9 steps (22%) done'); print('an error')"
    (found,) = run([script("tiny", text, folder=folder)], output, 60, {})
    assert found["last"][-1] == "2 of 9 steps (22%) done"  # how far it came
    kept = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert kept == ["summary.json", "tiny.log", "tiny/results/logs/train.log", "tiny/results/table3.csv"]


def test_parts_use_this_python_and_name_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for device in ("cuda", "cpu"):
        (tmp_path / device).mkdir()
        made = {part.name: part for part in parts(device, tmp_path, tmp_path / device)}
        assert list(made) == ["machine", "correctness", "tiny", "start", "policy", "decoding", "miniature"]
        assert {part.command[0] for part in made.values()} == {sys.executable}
        assert [part.name for part in made.values() if not part.alone] == ["machine", "correctness", "tiny", "start"]
        assert made["correctness"].environment["SEMALIGN_DEVICE"] == device
        assert (tmp_path / device / "tiny" / "device.yaml").read_text() == f"device: {device}\n"
        for name in ("policy", "decoding"):
            assert ("tiny" in made[name].command) == (device == "cpu")
        # jobs share one card, instead of waiting for each other
        assert made["tiny"].environment == ({"CUDA_VISIBLE_DEVICES": "0"} if device == "cuda" else {})
    assert main(["--parts", "machine,nothing", "--output", str(tmp_path / "out")]) == 2
    assert "no such part: nothing" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == []

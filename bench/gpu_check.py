"""Try the whole project on a GPU, unattended and in minutes: `python -m bench.gpu_check`, or `make gpu-check`.

Parts, in this order: machine (what there is), correctness (tests/gpu), tiny (the workflow to table 3, on amounts too
small to learn from), start, policy and decoding (parts of bench.run), miniature (the workflow to table 3, as far as it
comes). Each runs in a process of its own, which is ended when its time is up; then the next one starts. The first four,
none of which measures seconds of the GPU, run side by side.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import ROOT

SECONDS = 530.0  # of all parts, so that all is done and written within nine minutes
LEAST = 10.0  # what is left for a part that is begun at all
GRACE = 5.0  # between the request to end and the end
LINES = 5  # of what a part printed last
KEPT = {".csv", ".html", ".json", ".jsonl", ".log", ".md", ".tsv", ".txt"}  # kept of a workflow's folder
LARGEST = 1_000_000  # bytes of a file that is kept

TESTS = ["tests/gpu", "tests/unit/policy/test_micro_batch.py::test_a_trial_leaves_no_trace_on_a_gpu"]

MACHINE = """
import json, os, platform, torch
from importlib import metadata
names = ("transformers", "trl", "peft", "accelerate", "sentence-transformers", "tokenizers", "snakemake")
found = {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda}
found |= {name: metadata.version(name) for name in names} | {"cores": os.cpu_count()}
if torch.cuda.is_available():
    card = torch.cuda.get_device_properties(0)
    found |= {"cards": torch.cuda.device_count(), "card": card.name, "gib": round(card.total_memory / 2**30, 1)}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Part:
    """A command, how long it may take, and whether it must have the machine for itself."""

    name: str
    command: list[str]
    seconds: float
    alone: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None  # a workflow's own, of which tables and logs are kept


Record = dict[str, Any]


def main(arguments: list[str]) -> int:
    options = _options().parse_args(arguments)
    output = options.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as work:
        known = {part.name: part for part in parts(options.device, output, Path(work), options.repeats)}
        chosen = options.parts.split(",") if options.parts else list(known)
        if unknown := sorted(set(chosen) - known.keys()):
            print(f"gpu-check: no such part: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
            return 2
        told = {"command": ["bench.gpu_check", *arguments], "device": options.device}
        found = run([known[name] for name in known if name in chosen], output, options.seconds, told, options.apart)
    return 0 if all(record["status"] == "passed" for record in found) else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", help="their names with commas between; all of them, when not given")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu with tiny shapes")
    parser.add_argument(
        "--output", type=Path, default=Path("results/gpu-check"), help="folder of summary.json and logs"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of all parts together")
    parser.add_argument("--repeats", type=int, default=2, help="of each measurement of bench.run")
    parser.add_argument("--apart", action="store_true", help="one part after the other, whatever they are")
    return parser


def parts(device: str, output: Path, work: Path, repeats: int = 2) -> list[Part]:
    """All parts on a device; workflows run in folders within `work`."""
    python = [sys.executable, "-m"]
    where = ["--device", "cpu", "--shape", "tiny"] if device == "cpu" else ["--device", device]
    bench = [*python, "bench.run", "--repeats", str(repeats)]
    into, rates = ["--output", str(output / "bench")], ["--rates", str(output / "rates.json")]
    figures = output / "figures.jsonl"
    figures.unlink(missing_ok=True)
    test = [*python, "pytest", "-q", "--tb=short", "--durations=10", "-p", "no:cacheprovider"]
    workers = str(min(8, os.cpu_count() or 1))
    tested = {"SEMALIGN_DEVICE": device, "SEMALIGN_GPU_FIGURES": str(figures), "OMP_NUM_THREADS": "1"}
    return [
        Part("machine", [sys.executable, "-c", MACHINE], 90),
        Part("correctness", [*test, "-n", workers, "-m", "long or not long", *TESTS], 180, environment=tested),
        _workflow("tiny", ROOT / "tests" / "workflow" / "tiny.yaml", 240, device, work),
        # CPU seconds, which other work changes little; the rates need them beside what `policy` finds.
        Part("start", [*bench, "start", *into], 150),
        Part("policy", [*bench, "policy", "--add", *into, *rates, *where], 260, alone=True),
        Part("decoding", [*bench, "decoding", "--output", str(output / "decoding"), *where], 200, alone=True),
        _workflow("miniature", ROOT / "config" / "one_seed.yaml", 300, device, work, alone=True),
    ]


def _workflow(name: str, config: Path, seconds: float, device: str, work: Path, alone: bool = False) -> Part:
    """The workflow to table 3 in a folder of its own, several jobs at a time on the first GPU.

    A job that is assigned a GPU by its environment takes it as it is; otherwise it would wait for the one before it.
    """
    folder = work / name
    folder.mkdir()
    overlay = folder / "device.yaml"
    overlay.write_text(f"device: {device}\n", encoding="utf-8")
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    profile = ["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "all", "--resources", "gpu=8"]
    last = ["--keep-going", "results/table3.csv", "--configfile", str(config), str(overlay)]
    shared = {} if device == "cpu" else {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0")}
    return Part(name, [*start, *profile, *last], seconds, alone, shared, folder)


def run(chosen: list[Part], output: Path, seconds: float, told: Record, apart: bool = False) -> list[Record]:
    """Run the parts in their order, neighbours that need no machine for themselves side by side; returns the records.

    Each record, as its part ends, is printed as a line and written to `summary.json` in `output`, beside what is `told`
    of the whole. A part that the time left does not admit is recorded as left out.
    """
    end, records, lock = time.monotonic() + seconds, list[Record](), threading.Lock()

    def one(part: Part) -> None:
        left = end - time.monotonic()
        record = ended(part, output, min(part.seconds, left)) if left >= LEAST else left_out(part)
        with lock:
            records.append(record)
            text = json.dumps(told | {"parts": records}, ensure_ascii=False, indent=2)
            (output / "summary.json").write_text(text + "\n", encoding="utf-8")
            last = record["last"][-1] if record["last"] else "nothing was printed"
            print(f"gpu-check: {part.name}: {record['status']}, {record['seconds']} s: {last[:300]}", flush=True)

    for together in _side_by_side(chosen, apart):
        with ThreadPoolExecutor(len(together)) as pool:
            list(pool.map(one, together))
    return records


def _side_by_side(chosen: list[Part], apart: bool) -> list[list[Part]]:
    groups = [(alone, list(group)) for alone, group in groupby(chosen, key=lambda part: part.alone or apart)]
    return [few for alone, group in groups for few in ([[part] for part in group] if alone else [group])]


def left_out(part: Part) -> Record:
    return {"part": part.name, "status": "left out", "seconds": 0.0, "last": ["no time was left"]}


def ended(part: Part, output: Path, seconds: float) -> Record:
    """Run a part to its end, or for so many seconds; all that it prints goes to `<part>.log`."""
    log, started = output / f"{part.name}.log", time.monotonic()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"} | part.environment
    with open(log, "wb") as file:
        process = subprocess.Popen(
            part.command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=environment, start_new_session=True
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    record: Record = {"part": part.name, "status": "passed" if code == 0 else "failed", "exit_code": code}
    if code is None:
        record["status"] = f"ended after {seconds:.0f} s"
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = [line.strip() for line in said if line.strip()][-LINES:]
    if part.folder:
        _keep(part.folder, output / part.name)
        last += [line for line in said if " steps (" in line][-1:]  # how far the workflow came
    return record | {"seconds": round(time.monotonic() - started, 1), "command": part.command, "last": last}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started: with a request, then by force."""
    for number, wait in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)


def _keep(folder: Path, output: Path) -> None:
    """Copy a workflow's tables, answers and logs, without its models and the generated world."""
    for path in sorted((folder / "results").rglob("*")):
        place = path.relative_to(folder)
        if "world" in place.parts or path.suffix not in KEPT or not path.is_file() or path.stat().st_size > LARGEST:
            continue
        (output / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, output / place)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

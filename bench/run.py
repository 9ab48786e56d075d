"""Measure how fast the project's own functions are: `python -m bench.run`, or `make bench`.

Parts: policy (training, generation, likelihood, reward at a true shape with random weights), decoding (ways to
generate, beside each other), start (imports), trl (GRPO beside trl's own trainer, on a finished run), data (scoring
and filtering of many rows).
Writes JSON and Markdown, and with --rates what `make plan` reads.
"""

import argparse
import json
import logging
import os
import platform
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import OFFLINE, ROOT, report
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

Record = dict[str, Any]
Save = Callable[[Record], None]  # writes down what a part has found so far
LIBRARIES = ("torch", "transformers", "peft", "trl", "sentence-transformers", "accelerate")


def main(arguments: list[str]) -> int:
    options = _options().parse_args(arguments)
    os.environ |= OFFLINE
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    earlier = options.output / "bench.json"
    found: Record = read_json(earlier) if options.add and earlier.is_file() else {}
    found |= {"about": about(options), "command": ["bench.run", *arguments]}

    def save(name: str, part: Record) -> None:
        found[name] = part
        _write(found, options.output)

    parts: dict[str, Callable[[argparse.Namespace, Save], None]] = {
        "policy": policy,
        "decoding": decoding,
        "start": start,
        "trl": trl,
        "data": data,
    }
    for name in options.parts:
        parts[name](options, partial(save, name))
    print((options.output / "bench.md").read_text(encoding="utf-8"))
    if options.rates:
        from bench.rates import from_bench

        options.rates.write_text(json.dumps(from_bench(found), indent=2) + "\n", encoding="utf-8")
    rows = [row for part in ("policy", "decoding") for row in found.get(part, {}).get("benchmarks", [])]
    failed = [row["benchmark"] for row in rows if "error" in row]
    for name in failed:
        print(f"bench: not measured: {name}; see bench.json", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts",
        nargs="*",
        default=["policy", "start"],
        help="policy, decoding, start, trl, data (default: policy start)",
    )
    parser.add_argument("--output", type=Path, default=Path("results/bench"), help="folder of bench.json and bench.md")
    parser.add_argument("--add", action="store_true", help="to the parts that bench.json there holds already")
    parser.add_argument("--device", default=None, help="cuda or cpu; what there is, when not given")
    parser.add_argument("--threads", type=int, default=1, help="of a CPU; a rule's jobs have one")
    parser.add_argument("--rates", type=Path, help="write a device's rates there too, as in bench/rates/")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement, warm-up aside")
    parser.add_argument("--seed", type=int, default=0)
    policy_ = parser.add_argument_group("policy")
    policy_.add_argument(
        "--shape", choices=["qwen3-4b", "miniature", "tiny"], help="default: qwen3-4b on a GPU, else tiny"
    )
    policy_.add_argument("--peak-operations", type=float, help="dense bf16 operations a second that the device attains")
    policy_.add_argument("--peak-bandwidth", type=float, help="bytes a second that the device attains")
    trl_ = parser.add_argument_group("trl")
    trl_.add_argument("--results", type=Path, default=Path("results"), help="a finished run: base, cold start, encoder")
    trl_.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml", help="that run's config")
    trl_.add_argument("--task", default="mt", help="of that run; default: mt, the miniature's")
    trl_.add_argument("--updates", type=int, default=100, help="of each training")
    trl_.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    data_ = parser.add_argument_group("data")
    data_.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    data_.add_argument("--text", type=Path, help="TSV with src_original and tgt_original; else generated text")
    return parser


def about(options: argparse.Namespace) -> Record:
    """Where and with what this was measured."""
    return {
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "seed": options.seed,
        "repeats": options.repeats,
    }


def policy(options: argparse.Namespace, save: Save) -> None:
    """The benchmarks of what a run spends its time on."""
    from bench.policy import benchmarks

    _models(options, save, benchmarks)


def decoding(options: argparse.Namespace, save: Save) -> None:
    """Ways to generate."""
    from bench.decoding import variants

    _models(options, save, variants)


def _models(options: argparse.Namespace, save: Save, chosen: Callable[[Any], list[Any]]) -> None:
    """Benchmarks of models, each written down as it ends."""
    import torch

    from bench import floors, made
    from bench import policy as benchmarks

    torch.set_num_threads(options.threads)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    shape = options.shape or ("tiny" if device == "cpu" else "qwen3-4b")
    policy_shape, encoder_shape, sizes = {
        "qwen3-4b": (floors.QWEN3_4B, floors.XLM_R_BASE, benchmarks.PAPER),
        "miniature": (floors.MINIATURE, floors.MINIATURE_ENCODER, benchmarks.MINIATURE),
        "tiny": (floors.TINY, floors.TINY_ENCODER, benchmarks.TINY),
    }[shape]
    dtype = "float32" if device == "cpu" else "bfloat16"
    hardware = _hardware(options, device)
    texts = made.make_texts(policy_shape.vocabulary, options.seed)

    def make_policy() -> Any:
        model = made.make_policy(policy_shape, texts, dtype, device, options.seed)
        made.check_parameters(model, policy_shape)
        return model

    make_encoder = partial(made.make_encoder, encoder_shape, texts, sizes.pair_tokens, device, options.seed)
    bench = benchmarks.Bench(
        make_policy,
        make_encoder,
        texts,
        policy_shape,
        encoder_shape,
        sizes,
        dtype,
        device,
        hardware,
        options.repeats,
        options.seed,
    )
    found: Record = {
        "shape": shape,
        "dtype": dtype,
        "threads": options.threads if device == "cpu" else None,
        "device": vars(hardware) if hardware else {"name": torch.cuda.get_device_name()},
        "benchmarks": [],
    }
    for record in benchmarks.run(bench, chosen(sizes)):
        found["benchmarks"].append(record)
        save(found)


def _hardware(options: argparse.Namespace, device: str) -> Any:
    """What the device attains: as given, or known by its name, or on a CPU measured; None where it is unknown."""
    from bench import floors
    from bench.clock import measured_cpu

    given = options.peak_operations, options.peak_bandwidth
    if device == "cpu":
        name, found = f"cpu, {options.threads} thread", measured_cpu(options.threads)
    else:
        import torch

        name = torch.cuda.get_device_name()
        known = floors.known_device(name)
        found = (known.operations, known.bandwidth) if known else (0.0, 0.0)
    operations, bandwidth = (one or other for one, other in zip(given, found, strict=True))
    if not operations or not bandwidth:
        logging.warning("%s: peaks unknown, no floors; give --peak-operations and --peak-bandwidth", name)
        return None
    return floors.Device(name, operations, bandwidth)


def trl(options: argparse.Namespace, save: Save) -> None:
    """GRPO by the project and by trl's own trainer, in turn."""
    from bench.against_trl import measure, order

    given = {name: getattr(options, name) for name in ("task", "updates", "threads")}
    paths = {"results": str(options.results.absolute()), "config": str(options.config.absolute())}
    seeds: Record = {}
    for seed in options.seeds:
        found = {name: measure(name, given | paths | {"seed": seed}) for name in order(seed)}
        seeds[str(seed)] = {name: found[name] for name in order(0)}
        save(given | {"seeds": seeds})


def start(options: argparse.Namespace, save: Save) -> None:
    """What a job takes before its work begins."""
    from bench.start import measure

    save(measure(options.repeats))


def data(options: argparse.Namespace, save: Save) -> None:
    """Rows a second and peak memory of what is not a model."""
    from bench.data import measure

    for found in measure(options.rows, options.text):
        save(found)


def _write(found: Record, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (folder / "bench.md").write_text(report.markdown(found), encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        sys.exit(str(error))

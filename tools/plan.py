"""Say what a config will cost before it runs: jobs, GPU-hours or CPU-hours, disk, judge calls.

    python -m tools.plan [overlay.yaml …] [--rates bench/rates/h200.json]

Hours are the hardware's floors (bench/floors.py) times a device's rates (bench/rates/). Nothing is fetched. Rows are
counted in files that are here; of others they are as published, or taken from the arguments, and printed.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

from bench.floors import memory_of
from bench.rates import FOLDER, Rates, of_card, read_rates
from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tools.planning.cost import Models, disk, seconds, start_seconds
from tools.planning.dag import Job, jobs, merged
from tools.planning.judging import judged, sentence
from tools.planning.memory import fits, memory, peak, training_of
from tools.planning.shapes import encoder_shape, policy_shape
from tools.planning.steps import Work
from tools.planning.work import Bounds, Plan

HOUR, GIB = 3600, 2**30
CARDS = {"public.yaml": "RTX 4090", "bodo.yaml": "RTX 4090"}  # what shipped configs are for: one card of 24 GB


def main(arguments: list[str]) -> None:
    options = _options().parse_args(arguments)
    raw = merged(options.config)
    config = validate(raw)
    rates = _rates(options, config)
    given = {name: getattr(options, name) for name in Bounds.__dataclass_fields__}
    given |= {name: dict(given[name]) for name in ("rl_pairs", "test_pairs")}
    plan = Plan(config, Bounds(**given))
    found = jobs(raw, options.target)
    work = {job: plan.work(job) for job in found}
    shape, whose = policy_shape(config)
    models = Models(shape, encoder_shape(config))
    print(_heading(config, rates, options.target))
    print(f"Policy of {(shape.linear + shape.embedding) / 1e9:.3g}e9 parameters ({whose}).\n")
    print(_table(found, work, models, rates))
    print(_trainings(work))
    if not rates.device.name.startswith("cpu"):
        print(_memory(config, found, models, rates))
    print(_disk(config, {job: amount for job, amount in work.items() if amount}, models))
    tests = {task: plan.test_pairs(task) for task in config.tasks}
    print(sentence(config.judge, judged(config, tests, found)) + "\n")
    for title, said in (("Counted in what is here:", plan.counted), ("ASSUMED, since not known yet:", plan.taken)):
        if said:
            print("\n".join([title, *(f"- {name}: {why}" for name, why in sorted(said.items()))]))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="*", type=Path, help="overlays of config/config.yaml, as for --configfile")
    parser.add_argument("--target", default="all", help="rule or file, as for snakemake")
    parser.add_argument("--card", help="by its data sheet, as RTX 4090; default: the one that a shipped config is for")
    parser.add_argument("--rates", type=Path, help="a device's measured ones, as bench/rates/cpu.json")
    for option, where in (("--rl-pairs", "split.rl is null"), ("--test-pairs", "the test set is a file")):
        about = f"where {where}; default: counted, or as published"
        parser.add_argument(option, nargs="+", type=_of_task, metavar="TASK=N", default=[], help=about)
    parser.add_argument("--questions", type=int, help="of reading comprehension; default: counted, or as published")
    parser.add_argument("--encoder-rows", type=int, help="training pairs of an encoder; default: likewise")
    parser.add_argument("--pair-tokens", type=int, help="mean tokens of a training conversation; default: the most")
    parser.add_argument("--prompt-tokens", type=int, help="mean tokens of a prompt; default: the most")
    parser.add_argument("--completion-tokens", type=int, help="mean tokens of a completion; default: the most")
    parser.add_argument("--answer-tokens", type=int, help="tokens of a batch's longest answer; default: the most")
    return parser


def _rates(options: argparse.Namespace, config: Config) -> Rates:
    if options.rates:
        return read_rates(options.rates)
    if config.device == "cpu" and not options.card:
        return read_rates(FOLDER / "cpu.json")
    of_config = [CARDS[path.name] for path in options.config if path.name in CARDS]
    return of_card(options.card or (of_config[-1] if of_config else "H200"))


def _of_task(text: str) -> tuple[str, int]:
    """`mt=90000` -> ("mt", 90000)."""
    task, _, number = text.partition("=")
    if not re.fullmatch("[a-z][a-z0-9_]*", task) or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not like mt=90000")
    return task, int(number)


def _heading(config: Config, rates: Rates, target: str) -> str:
    label = "measured" if rates.measured else "ESTIMATE, NOT MEASURED"
    seeds = f"{len(config.seeds)} seed" + "s" * (len(config.seeds) > 1)
    other = "" if config.device == "cpu" else " `--card` names another card."
    return f"Plan of `{target}`, {seeds}. Rates of {rates.device.name}: {label} ({rates.source}).{other}\n"


def _table(found: list[Job], work: dict[Job, Work | None], models: Models, rates: Rates) -> str:
    """Jobs by rule, with the seconds of all of them one after another."""
    rows: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for job in found:
        amount = work[job]
        row = rows[job.rule]
        row[0] += 1
        row[1] += seconds(amount, models, rates) if amount else 0.0
        row[2] += start_seconds(job, rates)
    lines = ["| rule | jobs | model hours | start-up hours |", "|---|---|---|---|"]
    for rule, (count, model, start) in sorted(rows.items(), key=lambda item: -item[1][1] - item[1][2]):
        lines.append(f"| {rule} | {count} | {model / HOUR:.4g} | {start / HOUR:.3g} |")
    count, model, start = (sum(column) for column in zip(*rows.values(), strict=True))
    lines.append(f"| in all | {count} | {model / HOUR:.4g} | {start / HOUR:.3g} |")
    unit = "CPU" if rates.device.name.startswith("cpu") else "GPU"
    return "\n".join([*lines, f"\n{unit}-hours, one job after another: {(model + start) / HOUR:.4g}.\n"])


def _trainings(work: dict[Job, Work | None]) -> str:
    """Steps, tokens and completions of the trainings, seeds together."""
    rows: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for job, amount in work.items():
        if amount is None or not job.rule.startswith("train_"):
            continue
        name = "/".join(job.wildcards.get(part, "") for part in ("task", "model")).strip("/")
        row = rows[job.rule, name or job.wildcards.get("encoder", "")]
        row[0] += 1
        for column, value in enumerate((amount.steps, amount.completions, amount.tokens), start=1):
            row[column] = value
    lines = ["| training | of | runs | steps each | completions each | tokens each |", "|---|---|---|---|---|---|"]
    for (rule, name), (runs, steps, completions, tokens) in sorted(rows.items()):
        lines.append(f"| {rule} | {name} | {runs} | {steps} | {completions or ''} | {tokens:.3g} |")
    return "\n".join([*lines, ""])


def _memory(config: Config, found: list[Job], models: Models, rates: Rates) -> str:
    """What trainings of adapters need on the card, estimated: docs/training.md has the formulas."""
    card = memory_of(rates.device.name)
    title = f"of {card / GIB:.0f} GiB?" if card else "fits?"
    parts = ("weights", "adapter", "update", "generation", "encoder")
    lines = [f"| GPU memory, GiB (ESTIMATE) | of | {' | '.join(parts)} | at the peak | {title} |"]
    rows = set()
    for job in found:
        training = training_of(config, job)
        if training is not None:
            needed = memory(training, config, models.policy, models.encoder, card)
            shown = " | ".join(f"{needed[part] / GIB:.3g}" for part in parts)
            whole = peak(needed)
            name = f"{job.wildcards['task']}/{job.wildcards['model']}"
            rows.add(f"| {job.rule} | {name} | {shown} | {whole / GIB:.3g} | {fits(whole, card)} |")
    return "\n".join([*lines, "|---" * 9 + "|", *sorted(rows), ""]) if rows else ""


def _disk(config: Config, work: dict[Job, Work], models: Models) -> str:
    held = disk(config, work, models)
    lines = ["| on disk | GiB |", "|---|---|", *(f"| {name} | {size / GIB:.3g} |" for name, size in held.items())]
    return "\n".join([*lines, f"| in all | {sum(held.values()) / GIB:.3g} |", ""])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(str(error))

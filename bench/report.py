"""What was measured, as Markdown."""

from statistics import fmean, stdev
from typing import Any

Record = dict[str, Any]


def markdown(found: Record) -> str:
    """The tables of the parts that are there."""
    about = found["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [f"{about['date']}, {about['machine']}, {about['cores']} cores, Python {about['python']}, {versions}.", ""]
    for name, table in (("policy", _policy), ("decoding", _policy), ("start", _start), ("trl", _trl), ("data", _data)):
        if name in found:
            lines += [*table(found[name]), ""]
    return "\n".join(lines)


def _policy(part: Record) -> list[str]:
    device = part["device"]
    peaks = (
        f" (attains {device['operations'] / 1e12:.4g}e12 operations/s, {device['bandwidth'] / 1e9:.4g}e9 bytes/s)"
        if "operations" in device
        else ""
    )
    lines = [
        f"Shape {part['shape']}, {part['dtype']}, {device['name']}{peaks}.",
        "",
        "| what | median s | least–greatest | floor s | ratio | peak GiB |",
        "|---|---|---|---|---|---|",
    ]
    for row in part["benchmarks"]:
        if "error" in row:
            lines.append(f"| {row['benchmark']} | failed: {row['error'].splitlines()[0][:80]} | | | | |")
            continue
        seconds = row["seconds"]
        floor, ratio = ("" if row[name] is None else f"{row[name]:.3g}" for name in ("floor_seconds", "ratio"))
        lines.append(
            f"| {row['benchmark']} | {seconds['median']:.4g} | {seconds['least']:.4g}–{seconds['greatest']:.4g} | "
            f"{floor} | {ratio} | {row['peak_memory_gib']:.2f} |"
        )
    return lines


def _start(part: Record) -> list[str]:
    lines = ["| a job that imports | CPU s before its work |", "|---|---|"]
    return [*lines, *(f"| {kind} | {row['median']:.2f} |" for kind, row in part.items())]


def _trl(part: Record) -> list[str]:
    """Means over the seeds; ratios of each trainer's seconds to ours are paired by seed."""
    seeds = list(part["seeds"].values())
    lines = [
        f"GRPO of {part['task']}, {part['updates']} updates, {len(seeds)} seeds, {part['threads']} threads.",
        "",
        "| trainer | s an update | by the clock | ratio to ours | by the clock | reward, first tenth | last tenth |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in seeds[0]:
        rows = [seed[name] for seed in seeds]
        ratios = [
            [seed[name][figure] / seed["ours"][figure] for seed in seeds] for figure in ("seconds", "wall_seconds")
        ]
        figures = [fmean(row[figure] for row in rows) for figure in ("seconds", "wall_seconds")]
        rewards = [[row[figure] for row in rows] for figure in ("reward_first_tenth", "reward_last_tenth")]
        lines.append(
            f"| {name} | "
            + " | ".join([*(f"{figure:.3f}" for figure in figures), *map(_spread, ratios), *map(_spread, rewards)])
            + " |"
        )
    return lines


def _spread(values: list[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def _data(part: Record) -> list[str]:
    lines = [
        f"Rows made by repeating {part['pairs']} pairs ({part['text']}).",
        "",
        "| stage | rows | CPU s | rows/s | peak MiB | of these at the start |",
        "|---|---|---|---|---|---|",
    ]
    for row in part["stages"]:
        lines.append(
            f"| {row['stage']} | {row['rows']} | {row['seconds']:.2f} | {row['rows'] / row['seconds']:.0f} | "
            f"{row['peak_mib']:.0f} | {row['start_mib']:.0f} |"
        )
    return lines

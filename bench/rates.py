"""A device's rates for `make plan`: how many times its floor each kind of work takes.

They are kept as bench/rates/<device>.json.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from bench.floors import DATA_SHEETS, Device, known_device
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

FOLDER = Path(__file__).resolve().parent / "rates"
KINDS = ("sft", "grpo", "grpo, long generations", "generation", "likelihood", "reward")


@dataclass(frozen=True)
class Rates:
    """`ratios`: seconds over the floor's, by kind of work. `start`: seconds before a job's work, by what it imports.
    `source`: where they come from; `measured`: by bench, or assumed. `recomputed`: activations in training."""

    device: Device
    measured: bool
    source: str
    recomputed: bool
    ratios: dict[str, float]
    start: dict[str, float]


def read_rates(path: Path) -> Rates:
    raw = read_json(path)
    return Rates(**raw | {"device": Device(**raw["device"])})


def of_card(name: str) -> Rates:
    """Rates of a card, by its name in `floors.DATA_SHEETS`: those measured on it, where bench/rates/ has them; else its
    own floors by its data sheet, times the H200's ratios. Raises InputError where the card is not known."""
    own = [rates for rates in map(read_rates, sorted(FOLDER.glob("*.json"))) if name and name in rates.device.name]
    if own:
        return own[0]
    device = known_device(name)
    if device is None:
        raise InputError(f"--card: no data sheet of {name!r}; known are {', '.join(DATA_SHEETS)}; or give --rates")
    other = read_rates(FOLDER / "h200.json")
    source = f"floors by this card's data sheet; their multiples are those of {other.device.name}, {other.source}"
    return replace(other, device=device, measured=False, source=source)


def from_bench(found: dict[str, Any]) -> dict[str, Any]:
    """Rates as JSON from what bench wrote with the parts policy and start: of several benchmarks of a kind, the
    geometric mean of their ratios. Raises ValueError where a kind or a part was not measured."""
    if missing := [part for part in ("policy", "start") if part not in found]:
        raise ValueError(f"rates need the parts policy and start; not measured: {', '.join(missing)}")
    about, policy = found["about"], found["policy"]
    ratios = {}
    for kind in KINDS:
        values = [row["ratio"] for row in policy["benchmarks"] if row["kind"] == kind and row.get("ratio")]
        if not values:
            raise ValueError(f"no ratio was measured for {kind!r}: rates need every kind")
        ratios[kind] = geometric_mean(values)
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return {
        "device": policy["device"],
        "measured": True,
        "source": f"bench, shape {policy['shape']}, {policy['dtype']}, {about['date']}, {about['machine']}, {versions}",
        "recomputed": policy["threads"] is None,
        "ratios": ratios,
        "start": {kind: row["median"] for kind, row in found["start"].items()},
    }

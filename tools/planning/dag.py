"""The jobs that a config makes, by Snakemake's own dry run in an empty folder.

Data and models need not be there: stand-ins take the place of what the config names.
"""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from semalign.preflight.config_files import check_config_files
from semalign.preflight.referenced_paths import is_external, model_kind, named_files
from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
JOB = re.compile(r"^(?:local)?rule (\w+):$(?:\n    .*)*?\n    jobid: \d+(?P<rest>(?:\n    .*)*)", re.M)
WILDCARDS = re.compile(r"^    wildcards: (.*)$", re.M)


@dataclass(frozen=True, eq=False)
class Job:
    rule: str
    wildcards: dict[str, str]


def merged(overlays: list[Path]) -> dict[str, Any]:
    """The default config with the overlays laid over it, as Snakemake does it."""
    raw: dict[str, Any] = {}
    for path in [ROOT / "config" / "config.yaml", *overlays]:
        check_config_files([path])
        update_config(raw, yaml.safe_load(path.read_text(encoding="utf-8")))
    return raw


def jobs(raw: dict[str, Any], target: str) -> list[Job]:
    """Every job that a fresh run of the target has."""
    config = validate(raw)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overlay = folder / "config.json"
        overlay.write_text(json.dumps(_stand_ins(config, raw, folder), default=str), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", name]
        command += ["--workflow-profile", str(ROOT / "profiles" / "default"), "--configfile", str(overlay)]
        ended = subprocess.run(
            [*command, "--cores", "1", "-n", target], capture_output=True, text=True, check=False, cwd=name
        )
    if ended.returncode:
        raise InputError(f"the dry run failed:\n{ended.stderr[-2000:]}{ended.stdout[-2000:]}")
    return parsed(ended.stdout + ended.stderr)


def parsed(output: str) -> list[Job]:
    """The jobs of a dry run's output."""
    found = []
    for match in JOB.finditer(output):
        line = WILDCARDS.search(match["rest"])
        pairs = (part.split("=", 1) for part in line[1].split(", ")) if line else ()
        found.append(Job(match[1], dict(pairs)))
    return found


def _stand_ins(config: Config, raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The config with every external file and model replaced by an empty one in the folder."""
    changed: dict[str, Any] = json.loads(json.dumps(raw, default=str))
    for number, (key, path) in enumerate(named_files(config).items()):
        if not is_external(path):
            continue
        given = folder / f"given{number}{path.suffix}"
        if model_kind(key):
            _stand_in_model(given)
        else:
            given.write_text("-\n", encoding="utf-8")
        *parents, last = key.split(".")
        place: Any = changed
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        place[int(last) if isinstance(place, list) else last] = str(given.name)
    for rewards in config.rewards().values():
        for module, _, function in (name.partition(":") for name in rewards if ":" in name):
            file = folder / f"{module.replace('.', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            with open(file, "a", encoding="utf-8") as text:
                text.write(f"def {function}(completions, references, sources):\n    return []\n")
    _without_extras(changed)
    return changed


def _without_extras(raw: dict[str, Any]) -> None:
    """Take out what asks for packages that a plan does not need here; it makes no other jobs."""
    methods = (raw.get("frontier") or {}).get("methods") or {}
    trainings = [raw["cold_sft"], raw["strong_sft"], (raw.get("few_shot") or {}).get("sft"), *methods.values()]
    for section in [raw, raw["policy"], raw["rl"], *trainings]:
        for key in ("generation_engine", "generation", "quantization", "attention", "padding_free"):
            (section or {}).pop(key, None)


def _stand_in_model(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["StandInForCausalLM"]}', encoding="utf-8")
    header = b'{"stand_in":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'  # the preflight asks for a tensor
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "chat_template.jinja").write_text("-", encoding="utf-8")

"""Generate the miniature: every file of a bilingual world, in the formats that users' own data have."""

from pathlib import Path
from typing import Any

from semalign.config.data import World
from semalign.miniature.world import generate_world
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    generate_world(World.model_validate(settings["world"]), Path(output[0]).parent)


job.run(main, snakemake)

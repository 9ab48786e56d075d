"""Reward encoders compared: each one's exam beside what RL with it reaches."""

from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.tables.encoder_table import Request, build
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    table = build(Request(Path("results"), **settings))
    lines = table.lines()
    part = Part(lines, table.note, keys=4, latex=lines.drop(columns="made"))
    write_table(output, table.frame(), [part], table.sidecar)


job.run(main, snakemake)

"""A figure, drawn from finished results by the function that its rule names."""

from importlib import import_module
from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.statistics.retained import Retained


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    module, _, name = settings["function"].partition(":")
    arguments = dict(settings["arguments"])
    arguments |= {"tasks": dict(arguments["tasks"])} if "tasks" in arguments else {}
    arguments |= {"primary": Retained(**arguments["primary"])} if "primary" in arguments else {}
    draw = getattr(import_module(f"semalign.figures.{module}"), name)
    draw(Path("results"), output.png, output.svg, **arguments)


job.run(main, snakemake)

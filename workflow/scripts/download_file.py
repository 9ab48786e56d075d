"""Fetch one file of a data set: from the hub, a plain address, or the mirror."""

from typing import Any

from semalign.config.downloads import FOLDER, parsed
from semalign.data.downloads import fetch, place, record
from semalign.runtime import job
from semalign.runtime.files import write_json
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    name, download = settings["name"], parsed(settings["download"])
    # Not among the settings: whoever asks, the file is the same.
    token_env = snakemake.config["downloads"][name].get("token_env")
    fetched = fetch(name, download, [settings["file"]], workspace.folder, token_env)
    write_json(output.record, record(name, download, fetched))
    place(fetched, FOLDER / name, workspace.folder)


job.run(main, snakemake, resumable=True)

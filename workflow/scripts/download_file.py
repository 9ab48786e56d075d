"""Fetch one file of a data set: from the hub, a plain address, or the mirror."""

import shutil
from typing import Any

from semalign import job
from semalign.config.downloads import parsed
from semalign.downloads import fetch, record
from semalign.files import replacing_binary, write_json
from semalign.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    name, file = settings["name"], settings["file"]
    download = parsed(settings["download"])
    fetched = fetch(name, download, [file], workspace.folder)
    with open(fetched.files[file], "rb") as source, replacing_binary(output.file) as target:
        shutil.copyfileobj(source, target)
    write_json(output.record, record(name, download, fetched))


job.run(main, snakemake, resumable=True)

"""Fetch a model of the hub: its config, tokenizer and safetensors; pickled weights are rewritten."""

from typing import Any

from semalign.config.downloads import parsed
from semalign.data.downloads import fetch, place, record, unpickle
from semalign.data.hub import PICKLED
from semalign.model_files.model_folders import ENCODER, POLICY, model_problem
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import replacing_folder, write_json
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    name = settings["name"]
    download = parsed(settings["download"])
    fetched = fetch(name, download, None, workspace.folder)
    write_json(output.record, record(name, download, fetched))
    with replacing_folder(output.model) as folder:
        place(fetched, folder, workspace.folder)
        if (folder / PICKLED).is_file():
            unpickle(folder)
        # Not among the settings: whoever reads a model, it is the same.
        problem = model_problem(
            folder,
            POLICY if snakemake.config["policy"].get("path") == output.model else ENCODER,
            template=bool(snakemake.config["policy"].get("chat_template")),
        )
        if problem:
            raise InputError(f"config key downloads.{name}: {problem}")


job.run(main, snakemake, resumable=True)

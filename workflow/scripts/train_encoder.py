"""Tune a sentence encoder contrastively, or save it as it is; texts of dev and test sets do not train it."""

from typing import Any

from semalign.config.models import Encoder
from semalign.data.corpus import contrastive_rows, held_out_texts
from semalign.encoder.training import train_encoder
from semalign.runtime import job
from semalign.runtime.files import replacing_folder, write_json
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    encoder = Encoder.model_validate(settings["encoder"])
    rows, drops = contrastive_rows(encoder.train, held_out_texts(input.held_out), f"{settings['key']}.train")
    with replacing_folder(output.model) as folder:
        report = train_encoder(encoder, rows, folder, workspace, device=settings["device"])
    write_json(output.report, report | {"source_rows": drops})


job.run(main, snakemake, resumable=True)

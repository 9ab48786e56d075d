"""Load each pretrained encoder as its training will, and embed three texts, before any expensive job starts."""

from pathlib import Path
from typing import Any

import numpy as np

from semalign.encoder.model import described, embed, prompt_of
from semalign.encoder.training import pretrained
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json

TEXTS = ["1 2 3", "བོད་སྐད།", "老师看书。"]


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    report = {}
    for key, entry in settings["encoders"].items():
        try:
            encoder, added = pretrained(Path(entry["path"]), entry["max_tokens"])
            lengths = np.linalg.norm(embed(encoder, TEXTS), axis=1)
        except InputError as error:
            raise InputError(f"config key {key}.path: {error}") from error
        if not np.allclose(lengths, 1, atol=1e-4):
            raise InputError(f"config key {key}.path: embeddings of length {lengths.tolist()}, where 1 is needed")
        report[key] = {
            "modules": described(encoder),
            "added": added,
            "max_tokens": encoder.max_seq_length,
            "prompt": prompt_of(encoder),
            "dimension": encoder.get_embedding_dimension(),
        }
    write_json(output.report, report)


job.run(main, snakemake)

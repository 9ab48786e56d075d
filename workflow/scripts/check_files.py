"""Read the user's own files for the encoders and their exam through once, before anything costly begins."""

from typing import Any

from pydantic import TypeAdapter

from semalign import job
from semalign.config.data import EncoderSource, PairSource, Table
from semalign.corpus import contrastive_rows
from semalign.files import write_json
from semalign.sources import read_all_pairs
from semalign.tabular import read_rows

PAIRS, TABLES, TRAINING = TypeAdapter(list[PairSource]), TypeAdapter(list[Table]), TypeAdapter(list[EncoderSource])


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    sources, rows = settings["sources"], {}
    for key in ("encoders.reward.train", "encoders.independent.train"):
        training = TRAINING.validate_python(sources[key])
        rows[key] = contrastive_rows(training, set(), key)[1]["read"] if training else 0
    rows["exam.pairs"] = sum(1 for _ in read_all_pairs(PAIRS.validate_python(sources["exam.pairs"]), "exam.pairs"))
    tables = TABLES.validate_python(sources["exam.probes"])
    rows["exam.probes"] = sum(1 for table in tables for _ in read_rows(table, ("kind", "reference", "candidate")))
    write_json(output.report, rows)


job.run(main, snakemake)

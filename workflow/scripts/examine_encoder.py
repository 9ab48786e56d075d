"""The encoder's exam: retrieval, similarity by grade, hard negatives; a report, judged by `check_encoder`."""

from typing import Any

from semalign.data.benchmarks import TABLES
from semalign.data.corpus import contrastive_rows, held_out_texts
from semalign.data.sources import PAIRS, TRAINING, read_all_pairs
from semalign.data.tabular import read_rows
from semalign.encoder.exam import examine
from semalign.encoder.model import embed, load_encoder
from semalign.runtime import job
from semalign.runtime.files import write_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    exam, encoder = settings["exam"], load_encoder(input.model, settings["device"])
    pairs = list(read_all_pairs(PAIRS.validate_python(exam["pairs"]), "exam.pairs"))
    tables = TABLES.validate_python(exam["probes"])
    probes = [row for table in tables for row in read_rows(table, ("kind", "reference", "candidate"))]
    rows, _ = contrastive_rows(TRAINING.validate_python(settings["train"]), held_out_texts(input.held_out), "encoders")
    training = {text for row in rows for text in row.values()}
    report = examine(lambda texts: embed(encoder, texts), pairs, probes, training, exam["size"], exam["seed"])
    write_json(output.exam, report)


job.run(main, snakemake)

"""Validate, before any expensive job starts, those of the user's files that only late jobs read."""

from typing import Any

from semalign.config.data import CorpusItem, Table
from semalign.config.judge import Votes
from semalign.data.corpus import contrastive_rows
from semalign.data.sources import PAIRS, TRAINING, read_all_pairs, read_documents
from semalign.data.tabular import read_rows
from semalign.encoder.exam_set import choose_probes
from semalign.judging.votes import read_votes
from semalign.runtime import job
from semalign.runtime.files import write_json


def rows_of(key: str, sources: list[Any]) -> int:
    """The number of rows in a config key's files. Raises the InputErrors of the jobs that will read them."""
    if key.endswith("lexicon"):
        from semalign.text.tokenizer import read_lexicon

        return sum(len(read_lexicon(path)) for path in sources)
    if key == "exam.pairs":
        return sum(1 for _ in read_all_pairs(PAIRS.validate_python(sources), key))
    if key == "exam.probes":
        tables, columns = map(Table.model_validate, sources), ("kind", "reference", "candidate")
        return len(choose_probes((row for table in tables for row in read_rows(table, columns)), set())[0])
    if key.startswith("frontier.methods"):
        return sum(1 for item in sources for _ in read_documents(CorpusItem.model_validate(item)))
    if key.startswith("judge"):
        return sum(len(read_votes(Votes.model_validate(votes))) for votes in sources)
    return int(contrastive_rows(TRAINING.validate_python(sources), set(), key)[1]["read"])


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    write_json(output.report, {key: rows_of(key, sources) for key, sources in settings["sources"].items()})


job.run(main, snakemake)

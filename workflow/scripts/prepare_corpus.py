"""Read the corpus on which a policy made on the spot is trained, with prompts as the policy will see them.

Texts of the test sets do not train it.
"""

from typing import Any

from semalign import job
from semalign.config.data import CorpusItem
from semalign.corpus import held_out_texts, pretraining_documents
from semalign.files import write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    items = [CorpusItem.model_validate(item) for item in settings["corpus"]]
    held_out = held_out_texts(input.held_out)
    documents, report = pretraining_documents(items, settings["prompts"], settings["question_prompt"], held_out)
    write_jsonl(output.corpus, documents)
    write_json(output.report, report)


job.run(main, snakemake)

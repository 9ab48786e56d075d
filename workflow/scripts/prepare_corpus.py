"""Read the corpus on which a policy made on the spot is trained, with prompts as the policy will see them."""

from typing import Any

from semalign import job
from semalign.config.data import CorpusItem
from semalign.corpus import pretraining_documents
from semalign.files import write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    items = [CorpusItem.model_validate(item) for item in settings["corpus"]]
    documents, report = pretraining_documents(items, settings["prompts"], settings["question_prompt"])
    write_jsonl(output.corpus, documents)
    write_json(output.report, report)


job.run(main, snakemake)

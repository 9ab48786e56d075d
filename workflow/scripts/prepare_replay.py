"""Read the texts that a method replays: those in the language to be kept, without texts of test sets."""

from typing import Any

from semalign.config.data import CorpusItem, Language
from semalign.data.corpus import held_out_texts, pretraining_documents
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json, write_jsonl
from semalign.text.languages import language_consistency


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    items = [CorpusItem.model_validate(item) for item in settings["texts"]]
    held_out = held_out_texts(input.held_out)
    documents, report = pretraining_documents(items, settings["prompts"], settings["question_prompt"], held_out)
    language = Language.model_validate(settings["language"])
    kept = [d for d in documents if language_consistency(d.get("text") or d["completion"], language)]
    if not kept:
        raise InputError(f"frontier.methods: none of {len(documents)} texts to be replayed is in {language.script}")
    write_jsonl(output.texts, kept)
    write_json(output.report, report | {"kept": len(kept), "other_language": len(documents) - len(kept)})


job.run(main, snakemake)

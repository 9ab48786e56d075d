"""Train the tokenizer of a policy that is pretrained here."""

from typing import Any

from semalign.config.models import Tokenizer
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, replacing_folder
from semalign.text.tokenizer import build_tokenizer


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    texts = (text for row in read_jsonl(input.corpus) for text in row.values())
    with replacing_folder(output.tokenizer) as folder:
        build_tokenizer(Tokenizer.model_validate(settings["tokenizer"]), texts).save_pretrained(folder)


job.run(main, snakemake)

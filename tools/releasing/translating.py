"""Answering lines with a released model."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from semalign.generation.answers import Completion, answer_batch
from semalign.policy.models import load_adapter, load_policy
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json
from semalign.text.matching import cleaned
from semalign.text.prompts import fill, prompt_ids
from tools.releasing.expected import Expected


class Translator:
    """A released model, loaded; on a GPU where there is one. Raises InputError where its base cannot be had.

    `expected` says in what way texts are unlike those of the training.
    """

    def __init__(self, folder: Path) -> None:
        self.settings = settings = read_json(folder / "semalign.json")
        self.prompt, self.max_new_tokens = settings["prompt"], settings["max_new_tokens"]
        self.batch_size: int = settings["batch_size"]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        where, template = _base(folder, settings["base"]), settings.get("chat_template")
        base, self.tokenizer = load_policy(where, settings["dtype"], device, chat_template=template)
        self.stops: list[str] = settings.get("stop", [])
        with without_lookups():
            self.model = load_adapter(base, folder, trainable=False, trained_in=settings.get("trained_in"))
        self.model.eval()
        self.expected = Expected(settings, self.tokenizer)

    def prompt_ids(self, texts: list[str]) -> list[list[int]]:
        """The tokens with which it is asked; each text as it would have been prepared for the training."""
        return prompt_ids(self.tokenizer, [fill(self.prompt, source=cleaned(text)) for text in texts])

    def complete(self, ids: list[list[int]]) -> list[Completion]:
        """The answers to prompts, given as their tokens."""
        return answer_batch(self.model, self.tokenizer, ids, self.max_new_tokens, self.stops) if ids else []

    def answers(self, batch: list[tuple[int, str]]) -> Iterator[tuple[int, str, list[str]]]:
        """(number, answer, what to note) of each numbered line, in order; blank lines are answered by ""."""
        asked = [(number, line) for number, line in batch if cleaned(line)]
        found = self.complete(self.prompt_ids([line for _, line in asked]))
        by_number = {number: completion for (number, _), completion in zip(asked, found, strict=True)}
        for number, line in batch:
            if number in by_number:
                completion = by_number[number]
                noted = self.expected.of_source(cleaned(line)) + self.of_answer(completion)
                yield number, " ".join(completion.text.splitlines()), noted
            else:
                yield number, "", []

    def of_answer(self, completion: Completion) -> list[str]:
        """What is unexpected in an answer."""
        cut = [f"the answer was cut off after {completion.tokens} tokens"] if completion.truncated else []
        return cut + self.expected.of_answer(completion.text)


@contextmanager
def without_lookups() -> Iterator[None]:
    """Within the block peft does not ask the hub about the base, by the name that the adapter has for it, whether its
    vocabulary grew: the base is loaded already, and no training here changes a vocabulary."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Could not find a config file in")
            yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


def _base(folder: Path, base: dict[str, str]) -> Path:
    """Where the base lies: in the release, in this folder's downloads, or in the hub's cache; else it is fetched."""
    if "folder" in base:
        return folder / base["folder"]
    for record in sorted(Path("results/sources").glob("*.json")):
        origin = read_json(record).get("origin")
        place = Path("results/downloads") / record.stem
        if origin == f"{base['repo']}@{base['revision']}" and place.is_dir():
            return place
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(base["repo"], revision=base["revision"], allow_patterns=wanted))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        where = os.environ.get("HF_HOME", "~/.cache/huggingface")
        raise InputError(
            f"{base['repo']}@{base['revision']}, the base, is neither in results/downloads nor in the hub's cache "
            f"({where}), and could not be fetched: {str(error)[:300]}"
        ) from error

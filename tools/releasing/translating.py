"""Answering lines with a released model."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from semalign.generation.answers import answer_batch
from semalign.policy.models import load_adapter, load_policy
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json
from semalign.text.prompts import fill, prompt_ids

log = logging.getLogger(__name__)


class Translator:
    """A released model, loaded; on a GPU where there is one. Raises InputError where its base cannot be had."""

    def __init__(self, folder: Path) -> None:
        settings = read_json(folder / "semalign.json")
        self.prompt, self.max_new_tokens = settings["prompt"], settings["max_new_tokens"]
        self.batch_size: int = settings["batch_size"]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        where, template = _base(folder, settings["base"]), settings.get("chat_template")
        base, self.tokenizer = load_policy(where, settings["dtype"], device, chat_template=template)
        self.stops: list[str] = settings.get("stop", [])
        self.model = load_adapter(base, folder, trainable=False, trained_in=settings.get("trained_in"))
        self.model.eval()

    def answers(self, batch: list[tuple[int, str]]) -> Iterator[tuple[int, str, str | None]]:
        """(number, answer, what to note of it) of each numbered line, in order; blank lines are answered by ""."""
        asked = [(number, line) for number, line in batch if line.strip()]
        ids = prompt_ids(self.tokenizer, [fill(self.prompt, source=line) for _, line in asked])
        found = answer_batch(self.model, self.tokenizer, ids, self.max_new_tokens, self.stops) if ids else []
        by_number = {number: completion for (number, _), completion in zip(asked, found, strict=True)}
        for number, _ in batch:
            completion = by_number.get(number)
            if completion is None:
                yield number, "", None
                continue
            note = f"the answer was cut off after {completion.tokens} tokens" if completion.truncated else None
            yield number, " ".join(completion.text.splitlines()), note


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

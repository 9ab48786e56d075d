"""The models that answer side by side: one base in memory, and adapters on it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict

from semalign.model_files.weights import UNREADABLE, check_stored
from semalign.policy.models import ADAPTER, BASE_DIGEST
from semalign.report.wording import gloss
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json
from semalign.text.matching import cleaned
from semalign.text.prompts import prompt_text
from tools.releasing.translating import Translator, without_lookups

BASE, STRONG, RELEASED = "base", "strong_sft", "released"
MOST_CHARACTERS = 5000  # of a text


@dataclass(frozen=True)
class Model:
    """A model's name and title on the page, what it is, and why it is absent, or None."""

    name: str
    title: str
    about: str
    absent: str | None = None


@dataclass(frozen=True)
class Answer:
    """A model's answer, its length in tokens and its seconds; what is unexpected in the text and in the answer; what
    both say in English if they are of the generated world, else ""."""

    text: str
    tokens: int
    seconds: float
    about_text: list[str]
    about_answer: list[str]
    text_gloss: str
    answer_gloss: str


class SideBySide:
    """A released model, its base, and strong SFT of the same task and seed where it lies in `results`.

    All share one base in memory: each is an adapter on it, and the base answers with the adapters disabled.
    """

    def __init__(self, folder: Path) -> None:
        self._translator = Translator(folder)
        self.settings = self._translator.settings
        task, model, seed = self.settings["run"].split("/")
        self.models = [
            Model(BASE, "base", "before any training for this task"),
            Model(RELEASED, model, f"the released model, seed {seed}"),
        ]
        if model != STRONG:
            absent = self._add(Path("results") / task / STRONG / seed / "adapter", folder)
            self.models.insert(1, Model(STRONG, STRONG, f"SFT on all the data, seed {seed}", absent))
        config = self._translator.model.config.get_text_config()
        self._most_tokens: int | None = getattr(config, "max_position_embeddings", None)  # some families have no limit
        self._ask(".", RELEASED)  # what is slow once is no part of the first answer's time

    def about(self) -> dict[str, Any]:
        """What the page shows before a question."""
        translator, settings = self._translator, self.settings
        return {
            "run": settings["run"],
            "source_language": settings["source_language"],
            "target_language": settings["target_language"],
            "prompt": prompt_text(translator.tokenizer, translator.prompt),
            "max_new_tokens": translator.max_new_tokens,
            "stop": translator.stops,
            "longest_source": settings.get("longest_source"),
            "example": settings.get("example", ""),
            "device": translator.model.device.type,
            "most_characters": MOST_CHARACTERS,
            "notes": translator.expected.notes,
            "models": [asdict(model) for model in self.models],
        }

    def check(self, text: str, name: str) -> None:
        """Raise InputError for a model that is absent, and for a text that is empty or too long."""
        if name not in [model.name for model in self.models if not model.absent]:
            raise InputError(f"no model {name[:40]!r} is here")
        if not cleaned(text):
            raise InputError("there is no text yet: write some")
        if len(text) > MOST_CHARACTERS:
            raise InputError(f"the text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are answered")

    def answer(self, text: str, name: str) -> Answer:
        """One model's greedy answer, with the prompt of its evaluation.

        Raises InputError where `check` does, and for a text of more tokens than the model can read.
        """
        self.check(text, name)
        return self._ask(cleaned(text), name)

    def _ask(self, text: str, name: str) -> Answer:
        translator = self._translator
        ids = translator.prompt_ids([text])
        if self._most_tokens and len(ids[0]) + translator.max_new_tokens > self._most_tokens:
            raise InputError(
                f"the text is too long: its prompt has {len(ids[0]):,} tokens and an answer up to "
                f"{translator.max_new_tokens:,}, the model takes {self._most_tokens:,}"
            )
        with self._as(name):
            started = time.perf_counter()
            (completion,) = translator.complete(ids)
            seconds = time.perf_counter() - started
        noted = translator.expected.of_source(text), translator.of_answer(completion)
        told = self._gloss(text, "source_language"), self._gloss(completion.text, "target_language")
        return Answer(completion.text, completion.tokens, seconds, *noted, *told)

    def _gloss(self, text: str, language: str) -> str:
        return gloss(text, self.settings[language]) if self.settings.get("generated_world") else ""

    @contextmanager
    def _as(self, name: str) -> Iterator[None]:
        """Within the block the model of this name answers."""
        if name == BASE:
            with self._translator.model.disable_adapter():
                yield
        else:
            self._translator.model.set_adapter("default" if name == RELEASED else name)
            yield

    def _add(self, path: Path, release: Path) -> str | None:
        """Load strong SFT's adapter beside the released one. Returns why it cannot be compared, or None."""
        if not (path / ADAPTER).is_file():
            return f"{path} is not here; make table3 trains it, in the folder where the results are"
        record = Path(f"{path}.provenance.json")
        prompt = read_json(record)["settings"].get("prompt") if record.is_file() else None
        if prompt and not self._translator.prompt.endswith(prompt):  # examples may stand before it
            return f"{path} was trained with another prompt: {prompt}"
        model = self._translator.model
        unusable: tuple[type[Exception], ...] = (*UNREADABLE, InputError)
        try:
            if read_json(path / BASE_DIGEST)["sha256"] != read_json(release / BASE_DIGEST)["sha256"]:
                return f"{path} was trained on another base than this release"
            with without_lookups():
                model.load_adapter(str(path), adapter_name=STRONG, is_trainable=False)
                check_stored(get_peft_model_state_dict(model, adapter_name=STRONG), path / ADAPTER)
        except unusable as error:
            return f"{path} cannot be read: {str(error)[:300]}"
        model.eval()
        return None

"""What a model's training texts were like, and in what way a text that it is asked is unlike them."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from semalign.config.data import Language
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_jsonl
from semalign.text.identification import identifier
from semalign.text.languages import identified, script_consistency
from semalign.text.matching import cleaned
from semalign.text.prompts import fill, prompt_ids
from tools.releasing.finished import Run

EARLIER = "it was made by an earlier version and does not say what its training texts were like; release it again"


def training_texts(run: Run, tokenizer: Any) -> dict[str, Any]:
    """The config's rules of both languages, and the length of the longest source text that a training read.

    `longest_source` counts policy tokens of the text alone; it is null where the files of the trainings are gone.
    """
    task = run.of_task(run.task)
    languages = {str(name): language for name, language in run.config.languages.items()}
    rules = {
        f"{side}_rules": languages[name].model_dump(mode="json")
        for side, name in (("source", task.source_language), ("target", task.target_language))
    }
    around = len(prompt_ids(tokenizer, [fill(run.prompt, source="")])[0])
    most = [_longest(file, tokenizer, limit) for file, limit in _read_by_trainings(run, around)]
    return rules | {"longest_source": max((length for length in most if length), default=None)}


def _read_by_trainings(run: Run, around: int) -> Iterator[tuple[Path, int | None]]:
    """The files of the task's pairs that the run's trainings read, and the longest source that each takes.

    RL drops longer prompts. around: how many tokens of a prompt are not the source's.
    """
    pairs = {f"results/data/{run.task}/{name}.jsonl" for name in ("cold", "rewritten", "rl")}
    for record in run.jobs:
        grpo = record["settings"].get("grpo") or {}
        limit = grpo["max_prompt_tokens"] - around if "max_prompt_tokens" in grpo else None
        trains = record["rule"].startswith("train_")
        yield from ((Path(name), limit) for name in record["inputs"] if trains and name in pairs)


def _longest(file: Path, tokenizer: Any, limit: int | None) -> int | None:
    """The most tokens of a source in a file, of those within the limit; None where the file is gone."""
    if not file.is_file():
        return None
    sources = (row["source"] for row in read_jsonl(file))
    batches = iter(lambda: list(islice(sources, 1000)), [])  # keeps memory flat
    lengths = chain.from_iterable(tokens(tokenizer, batch) for batch in batches)
    return max((length for length in lengths if limit is None or length <= limit), default=None)


def tokens(tokenizer: Any, texts: list[str]) -> list[int]:
    """The length of each text in tokens, without what a prompt puts around it."""
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


class Expected:
    """Says in what way texts are unlike those of the training.

    `notes`: what cannot be judged, and why.
    """

    def __init__(self, settings: dict[str, Any], tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._longest: int | None = settings.get("longest_source")
        self.notes: list[str] = []
        if "source_rules" not in settings:
            self.notes.append(EARLIER)
        elif self._longest is None:
            self.notes.append("how long its training texts were is not known")
        self._languages = {
            side: (settings[f"{side}_language"], self._usable(settings[f"{side}_language"], settings[f"{side}_rules"]))
            for side in ("source", "target")
            if f"{side}_rules" in settings
        }

    def _usable(self, name: str, raw: dict[str, Any]) -> Language:
        """A language's rules; without an identifier that is not here. A function of somebody's own is never run: a
        release may come from anywhere."""
        language = Language.model_validate(raw)
        if language.identify == "script":
            return language
        reason = f"{language.identify} is a function that a release does not hold"
        if language.identify == "lingua":
            try:
                identifier(language.identify, str(language.code), tuple(language.among or ()))
                return language
            except InputError as error:
                reason = str(error)
        self.notes.append(f"{name}: the script alone decides whether a text is in it: {reason}")
        return Language.model_validate(raw | {"identify": "script", "code": None, "among": None})

    def of_source(self, text: str) -> list[str]:
        """What is unexpected in a text that is to be answered."""
        found = self._of_language("source", text, "the text")
        if self._longest is not None and (length := tokens(self._tokenizer, [text])[0]) > self._longest:
            found.append(
                f"the text has {length} tokens, more than any that it was trained on (at most {self._longest})"
            )
        return found

    def of_answer(self, text: str) -> list[str]:
        """What is unexpected in an answer: the language reward would be 0."""
        return self._of_language("target", text, "the answer")

    def _of_language(self, side: str, text: str, what: str) -> list[str]:
        if side not in self._languages:
            return []
        name, language = self._languages[side]
        if not script_consistency(cleaned(text), language):
            return [f"{what} is not in the script of {name}: {script_rule(language)}"]
        if not identified(cleaned(text), language):
            return [f"{what} is not recognised as {name} by {language.identify}"]
        return []


def script_rule(language: Language) -> str:
    """What a text's letters must be, in words."""
    rule = f"letters of {language.script}, at most {language.latin_share:.0%} Latin"
    if language.script == "Latin":
        rule = "letters of Latin"
    return rule + (f", none of {', '.join(language.excluded_scripts)}" if language.excluded_scripts else "")

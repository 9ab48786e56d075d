"""The judge's prompts: files with {source}, {first} and {second}, filled so that no text can break out or decide."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from semalign.config.names import TaskName
from semalign.config.placeholders import placeholder_problem
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_lines
from semalign.text.prompts import fill

SHIPPED = Path(__file__).resolve().parents[3] / "prompts"
PLACEHOLDERS = ("source", "first", "second")
VERDICTS = ("[[0]]", "[[1]]", "[[2]]")

# What NFKC or the parser takes for a square bracket. Two in a row, a backslash between them or not, may be a verdict.
_OPENING, _CLOSING = (re.escape(brackets) for brackets in ("[［﹇【", "]］﹈】"))
_PAIRS = re.compile(rf"(?<=[{_OPENING}])(?=\\*[{_OPENING}])|(?<=[{_CLOSING}])(?=\\*[{_CLOSING}])")


def read_template(task: TaskName, own: Mapping[TaskName, str | Path | None], prompt: str) -> str:
    """The text of a task's judging prompt: the user's own file, or the project's of the name that the config gives.

    Without either it is the project's for any task, which shows the judge the task's own `prompt`. Raises InputError,
    with the file, for a placeholder that is missing or unknown and for a verdict not asked for.
    """
    named = own.get(task) or "any"
    path = SHIPPED / f"judge_{named}.txt" if isinstance(named, str) else named
    text = "\n".join(line for _, line in read_lines(path)).strip()
    if path == SHIPPED / "judge_any.txt":
        text = text.replace("{prompt}", disarmed(prompt))
    where = f"{path} (judge.prompts.{task})"
    if problem := placeholder_problem(text, PLACEHOLDERS):
        raise InputError(f"{where}: {problem}")
    if missing := [verdict for verdict in VERDICTS if verdict not in text]:
        raise InputError(f"{where}: does not ask for {', '.join(missing)}; say when to answer Decision: {missing[0]}")
    return text


def template_hash(template: str) -> str:
    """A short hash of a prompt, as it stands in the summary."""
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def messages(template: str, source: str, first: str, second: str) -> list[dict[str, str]]:
    """The conversation of one call. Braces in the texts stay as they are; what looks like a verdict is taken apart."""
    content = fill(template, source=disarmed(source), first=disarmed(first), second=disarmed(second))
    return [{"role": "user", "content": content}]


def disarmed(text: str) -> str:
    """The text with a space between doubled square brackets, of any width: a judge who quotes it gives no verdict."""
    return _PAIRS.sub(" ", text)

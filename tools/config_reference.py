"""Write docs/config.md: every key of the config's model, with what the miniature sets and what a change reruns.

`make schema` calls it. Types, defaults and meanings are the model's (`semalign.config`), values those of
config/config.yaml, and reruns those that tests/workflow/test_reruns.py proves.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from semalign.methods.base import Decoded  # noqa: E402
from semalign.preflight.methods import method  # noqa: E402
from semalign.preflight.root import Config  # noqa: E402

Schema = dict[str, Any]
FORMATS = ["AlignedText", "Headlines", "Table", "PairTable", "Joined", "Captions", "Squad", "Cmrc2018", "Lines"]
"""Models of a source: one section for all places where a source may stand."""

BENCHMARKS = ["Extractive", "MultipleChoice", "Perplexity", "LmEval"]
"""Models of a retention benchmark: a section for each."""

_OF_LIKELIHOOD = {
    r"retention\.benchmarks\.cmrc\.kind": [],
    r"retention\.benchmarks\.cmrc\.(test|prompt|choices|first_label|words)": ["prepare_items", "prepare_corpus"],
    r"retention\.benchmarks\.cmrc\.limit": ["prepare_items"],
    r"retention\.benchmarks\.cmrc\.shots\.(?!separator).*": ["draw_shots"],
    r"retention\.benchmarks\.cmrc\.(max_tokens|batch_size|delimiter|chat_template|shots\.separator)": [
        "measure_benchmark"
    ],
    r"retention\.benchmarks\.cmrc\.(task|file|data|metric|filter|lower_is_better|num_fewshot|add_bos_token|seed)": [
        "measure_benchmark"
    ],
    r"retention\.benchmarks\.cmrc\.measure": ["tabulate_paper", "compare_systems", "tabulate_frontier"],
}
"""Which rules read the keys of benchmarks that the miniature, and so the tested matrix, does not have."""

METHOD = re.compile(r"semalign__methods__(\w+)__Settings")
"""Names of a method's model: a section for each."""

FREE = {"languages": "name", "tasks": "task", "downloads": "name", "models": "name"}
FREE |= {"search": "name", "search.<name>.random": "key"}
FREE |= dict.fromkeys(
    ["ablation.variants", "encoder_ablation.encoders", "frontier.methods", "retention.benchmarks"], "name"
)
"""Mappings whose keys the user chooses, and what stands for them in a path."""

NOTES = {
    "encoder_ablation": "An entry has the keys of `encoders.<encoder>`; what it does not say, it has from "
    "`encoders.reward`. A change reruns `train_encoder`, and of `train` also `examine_encoder`.\n\n",
    "downloads": "A download is of the hub (`repo`, `kind`, `revision`, `files`) or of plain addresses (`urls`).\n\n",
    "judge": "`kind` alone is given for `parser` and `none`; all other keys belong to `openai`.\n\n",
}
"""What the tables cannot say: keys that exclude one another."""

INTRODUCTION = """\
# Every config key

Written by `make schema` from the config's model; do not edit it. How configs are laid over one another and
what else to know is in [Change one number](tutorial.md#4-change-one-number) and [Data](data.md).

- `<name>` and `<task>` stand for a name of your own, `<encoder>` for `reward` or `independent`, `[]` for each entry of
  a list.
- *default*: what holds where no config says anything; **needed** means that there is none, where the keys above it are
  given. *miniature*: what `config/config.yaml` sets, and what you inherit, since your own file is laid over that one.
- *a change reruns*: the rules that read the key; all that is made from their results follows. `nothing`: it changes no
  result. A dash: it depends on the place; see [Reruns](reruns.md).
"""


@dataclass(frozen=True)
class Key:
    """One row: a dotted path and its JSON schema."""

    path: str
    schema: Schema
    needed: bool


def keys(schema: Schema, shape: Schema, path: str = "") -> Iterator[Key]:
    """Every key below a model's schema, those of nested models after the key that holds them."""
    for name, entry in shape["properties"].items():
        here = f"{path}.{name}" if path else name
        yield Key(here, entry, name in shape.get("required", []))
        for inner, suffix in _models(schema, entry, here):
            if (
                inner not in [*FORMATS, *BENCHMARKS]
                and not METHOD.fullmatch(inner)
                and "properties" in schema["$defs"][inner]
            ):
                yield from keys(schema, schema["$defs"][inner], here + suffix)


def _models(schema: Schema, entry: Schema, path: str) -> Iterator[tuple[str, str]]:
    """(model, what its keys' paths add) of the models that a key's value is made of."""
    if "$ref" in entry:
        yield entry["$ref"].rpartition("/")[2], ""
    for form in (*entry.get("anyOf", ()), *entry.get("oneOf", ())):
        yield from _models(schema, form, path)
    if "items" in entry:
        yield from ((name, f"[]{suffix}") for name, suffix in _models(schema, entry["items"], path))
    for values in (entry.get("additionalProperties"), *entry.get("patternProperties", {}).values()):
        if isinstance(values, dict):
            place = FREE.get(path, "task")
            yield from ((name, f".<{place}>{suffix}") for name, suffix in _models(schema, values, path))


def kind(schema: Schema, entry: Schema) -> str:
    """A key's type in words."""
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        if name in FORMATS:
            return "[source](#sources)"
        if METHOD.fullmatch(name):
            return "[method](#methods)"
        if name in BENCHMARKS:
            return "[benchmark](#benchmarks)"
        return "keys" if "properties" in schema["$defs"][name] else "any value"
    forms = entry.get("anyOf") or entry.get("oneOf")
    if forms:
        return " or ".join(dict.fromkeys(kind(schema, form) for form in forms))
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return " or ".join(f"`{value}`" for value in entry["enum"])
    plain = str(entry.get("type", "value"))
    if plain == "array":
        return f"list of {kind(schema, entry['items'])}"
    if plain == "object":
        values = [entry.get("additionalProperties"), *entry.get("patternProperties", {}).values()]
        held = [kind(schema, value) for value in values if isinstance(value, dict)]
        return f"mapping to {held[0]}" if held else "mapping"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    text = "path" if entry.get("format") == "path" else names.get(plain, plain)
    return text + _bounds(entry)


def _bounds(entry: Schema) -> str:
    low = entry.get("minimum", entry.get("ge"))
    high = entry.get("maximum", entry.get("le"))
    above, below = entry.get("exclusiveMinimum", entry.get("gt")), entry.get("exclusiveMaximum", entry.get("lt"))
    if above is not None or below is not None:
        start = f" above {above:g}" if above is not None else f" from {low:g}"
        return start + (f", below {below:g}" if below is not None else f" to {high:g}" if high is not None else "")
    if low is not None and high is not None:
        return f" {low:g} to {high}" if high < 2**32 - 1 else f" from {low:g}"
    return f" from {low:g}" if low is not None else ""


def _cell(text: str) -> str:
    """Text as a table takes it: one line, and angle brackets outside of code no tags."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= 44 else "*long*"


def miniature(path: str, config: Any) -> str:
    """What config/config.yaml sets at a path; of several entries each value once."""
    found = [_shown(value) for value in _values(path.replace("[]", ".[]").split("."), config)]
    return ", ".join(dict.fromkeys(found))


def _values(parts: list[str], value: Any) -> Iterator[Any]:
    if not parts:
        if not isinstance(value, dict) and not (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield value
        return
    first, *rest = parts
    if first == "[]" and isinstance(value, list):
        inner = value
    elif first.startswith("<") and isinstance(value, dict):
        inner = list(value.values())
    else:
        inner = [value[first]] if isinstance(value, dict) and first in value else []
    for part in inner:
        yield from _values(rest, part)


def reruns(path: str, read_by: dict[str, list[str]]) -> str:
    """The rules that read a key, by the tested matrix; a dash where it has no single answer."""
    names = [path.replace("[]", ".0"), f"{path}.0.path", f"{path.replace('[]', '.0')}.path"]
    for mark, values in {"<task>": ("mt", "hg"), "<encoder>": ("reward", "independent")}.items():
        names = [name.replace(mark, value) for name in names for value in values]
    for mark, value in {"languages.<name>": "languages.bo", "benchmarks.<name>": "benchmarks.cmrc"}.items():
        names = [name.replace(mark, value) for name in names]
    jobs = [read for name in names for pattern, read in read_by.items() if re.fullmatch(pattern, name)]
    if not jobs:
        return "–"
    rules = dict.fromkeys(job.split()[0] for read in jobs for job in read)
    return ", ".join(f"`{rule}`" for rule in rules) or "nothing"


def table(rows: list[Key], schema: Schema, config: Any, read_by: dict[str, list[str]] | None) -> str:
    """A table of keys; without values and reruns for keys that stand in many places."""
    names = ["key", "type", "default", *(["miniature"] if read_by else []), "meaning"]
    names += ["a change reruns"] if read_by else []
    lines = [names, ["---"] * len(names)]
    for key in rows:
        words = kind(schema, key.schema)
        nested = any(_models(schema, key.schema, key.path)) and "source" not in words and "any value" not in words
        cells = [f"`{key.path}`", words, "**needed**" if key.needed else _default(key.schema)]
        if read_by:
            cells.append("" if nested else miniature(key.path, config))
        cells.append(key.schema["description"])
        if read_by:
            cells.append("" if nested else reruns(key.path, read_by))
        lines.append([_cell(cell) for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _default(entry: Schema) -> str:
    empty: Schema = {"array": [], "object": {}}
    return (
        _shown(entry.get("default", empty.get(entry.get("type", "")))) if "default" in entry or "type" in entry else ""
    )


def _merged(rows: list[Key]) -> list[Key]:
    """A row a path: the two encoders have the same keys, and the kinds of a judge one `kind`."""
    found: dict[str, Key] = {}
    for key in rows:
        path = re.sub(r"^encoders\.(reward|independent)\.", "encoders.<encoder>.", key.path)
        before = found.get(path, key).schema
        forms = {"anyOf": [before, key.schema], "description": key.schema["description"]}
        found[path] = Key(path, key.schema if before == key.schema else forms, key.needed)
    return list(found.values())


def reference() -> str:
    """The whole page."""
    from tests.workflow.read_by import READ_BY

    schema = Config.model_json_schema()
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    rows = [key for key in _merged(list(keys(schema, schema))) if not key.path.startswith("encoder_ablation.encoders.")]
    parts = [INTRODUCTION]
    single = [key for key in rows if "." not in key.path and not any(_models(schema, key.schema, key.path))]
    parts += ["## Of the whole run\n", table(single, schema, config, READ_BY)]
    for top in schema["properties"]:
        below = [key for key in rows if re.match(rf"{top}($|[.\[])", key.path)]
        if len(below) > 1:
            parts += [f"## {top}\n\n{NOTES.get(top, '')}".rstrip() + "\n", table(below, schema, config, READ_BY)]
    parts.append(
        "## Sources\n\nEntries of `train`, `test`, `pairs`, `probes` and the corpus; examples are in [Data](data.md).\n"
    )
    for name in FORMATS:
        shape = schema["$defs"][name]
        formats = shape["properties"]["format"]
        names = ", ".join(f"`{value}`" for value in formats.get("enum", [formats.get("const")]))
        of_pairs = ", as pairs of a task" if name == "PairTable" else ""
        parts += [
            f"### {names}{of_pairs}\n\n{shape['description']}\n",
            table(list(keys(schema, shape)), schema, config, None),
        ]
    return "\n".join([*parts, *_benchmarks(schema, config, READ_BY), *_methods(schema, config)])


def _benchmarks(schema: Schema, config: Any, read_by: dict[str, list[str]]) -> Iterator[str]:
    """A section for each kind of benchmark."""
    yield "## Benchmarks\n\nEntries of `retention.benchmarks`; what they measure is in [Retention](retention.md).\n"
    for name in BENCHMARKS:
        shape = schema["$defs"][name]
        which = shape["properties"]["kind"]["const"]
        mine = {key: entry for key, entry in config["retention"]["benchmarks"].items() if entry["kind"] == which}
        of_mine = config | {"retention": {"benchmarks": mine}}
        readers = read_by if which == "extractive" else _OF_LIKELIHOOD
        yield f"### `{which}`\n\n{shape['description']}\n"
        yield table(list(keys(schema, shape, "retention.benchmarks.<name>")), schema, of_mine, readers)


def _methods(schema: Schema, config: Any) -> Iterator[str]:
    """A section for each method, with what its own file says of it."""
    yield "## Methods\n\nEntries of `frontier.methods`; what they compute is in [Method](method.md).\n"
    for found in filter(None, map(METHOD.fullmatch, schema["$defs"])):
        rows = list(keys(schema, schema["$defs"][found[0]], "frontier.methods.<name>"))
        mine = {name: entry for name, entry in config["frontier"]["methods"].items() if entry["method"] == found[1]}
        module = method(found[1])
        about = str(module.__doc__).strip()
        of_mine = config | {"frontier": {"methods": mine}}
        rule = "choose_answers" if issubclass(module.Settings, Decoded) else "train_method"
        yield f"### `{found[1]}`\n\n{about}\n"
        yield table(rows, schema, of_mine, {r"frontier\.methods\.<name>\.(?!(method|strengths)$).*": [rule]})


if __name__ == "__main__":
    sys.stdout.write(reference())

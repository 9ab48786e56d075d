"""The overlay of a pair of languages: one task between them, on the user's files, over the miniature."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from semalign.config.data import AlignedText, CorpusItem, Lines, PairSource, PairTable, Squad
from semalign.data.questions import read_questions
from semalign.data.sources import read_all_pairs, read_documents
from semalign.runtime.errors import InputError
from semalign.text.identification import identifier
from tools.overlaying.codes import COMMON, Known

TABLES = {".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
LIMIT = 40  # lines
TASK = "mt"


@dataclass(frozen=True)
class Wanted:
    """What the user asks for. train, test: one table of source and target, or two text files, a segment a line.

    columns: ours: theirs. retention: a file in SQuAD style, or of texts; none: the sources of the test set. encoders:
    folders of pretrained encoders, the rewarding one first; none: small ones are made.
    """

    source: Known
    target: Known
    train: list[Path]
    test: list[Path]
    base: Path
    columns: dict[str, str]
    prompt: str | None = None
    retention: Path | None = None
    encoders: tuple[Path, ...] = ()
    device: str = "cpu"


def overlay(wanted: Wanted) -> dict[str, Any]:
    """The config over the miniature. Raises InputError for files of an unknown kind, or too few pairs."""
    train, test = (
        _source(files, wanted.columns, key) for files, key in ((wanted.train, "TRAIN"), (wanted.test, "TEST"))
    )
    pairs = sum(1 for _ in read_all_pairs([train], "TRAIN"))
    tested = len({row["source"] for row in read_all_pairs([test], "TEST")})
    split = _split(pairs)
    learnt: dict[str, Any] = {"format": "jsonl", "path": f"results/data/{TASK}/rl.jsonl"}
    learnt |= {"columns": {"anchor": "source", "positive": "target"}}
    return {
        "world": None,
        "device": wanted.device,
        "languages": {of.code: _language(of, wanted) for of in (wanted.source, wanted.target)},
        "tasks": {
            "hg": None,
            TASK: {
                "source_language": wanted.source.code,
                "target_language": wanted.target.code,
                "prompt": wanted.prompt or f"Translate into {wanted.target.name}: {{source}}",
                "train": [_plain(train)],
                "test": [_plain(test)],
                "max_tokens": 512,
                "max_new_tokens": 256,
                "split": split,
            },
        },
        "retention": _retention(wanted, test),
        "policy": {"path": str(wanted.base), "dtype": "bfloat16" if wanted.device == "cuda" else "float32"},
        "encoders": {
            name: _encoder(wanted, number) | {"train": [learnt]}
            for number, name in enumerate(("reward", "independent"))
        },
        "exam": {
            "pairs": [{"format": "jsonl", "path": f"results/data/{TASK}/dev.jsonl"}],
            "probes": [],
            "thresholds": {"inequality": dict.fromkeys(("name_swapped", "negated"), 0.0)},
        },
        "judge": {"kind": "none"},
        "rl": {"max_prompt_tokens": 512, "max_new_tokens": 256, "snapshot_steps": None},
        **dict.fromkeys(("ablation", "encoder_ablation", "few_shot", "frontier")),
        "forgetting": {"passages": min(100, _passages(wanted.retention) or tested), "sha256": None},
        "statistics": {"primary": [{"task": TASK, "measure": "retention"}]},
    }


def text(content: dict[str, Any], wanted: Wanted, command: str) -> str:
    """The overlay as YAML of at most 40 lines, a key a line where it is worth one."""
    head = f"# {wanted.source.name} → {wanted.target.name}, by: {command}"
    lines = [head, "# Before you train in earnest: docs/languages.md, from section 2 on."]
    for key, value in content.items():
        if key in ("languages", "tasks", "encoders", "retention"):
            lines += [f"{key}:", *_below(value, 1, deep=2 if key == "tasks" else 1)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    if len(lines) > LIMIT:
        raise InputError(f"the overlay has {len(lines)} lines; {LIMIT} are the most")
    return "\n".join(lines) + "\n"


def without_lingua(content: dict[str, Any]) -> bool:
    """Whether the overlay needs lingua and it is not installed here."""
    asked = any(entry["identify"] == "lingua" for entry in content["languages"].values())
    return asked and find_spec("lingua") is None


def _below(value: dict[str, Any], level: int, deep: int) -> list[str]:
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and level < deep:
            lines += [f"{'  ' * level}{key}:", *_below(inner, level + 1, deep)]
        else:
            lines.append(f"{'  ' * level}{key}: {_flow(inner)}")
    return lines


class _Lines(yaml.SafeDumper):
    """Texts of several lines are written in one, with \\n."""


_Lines.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None),
)


def _flow(value: Any) -> str:
    written = yaml.dump(value, Dumper=_Lines, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    return written.removesuffix("\n").removesuffix("\n...")


def _source(files: list[Path], columns: dict[str, str], key: str) -> PairSource:
    """A source as the config writes it. Raises InputError for files of no known kind."""
    if len(files) == 2:
        return AlignedText(format="aligned", source=files[0], target=files[1])
    kind = TABLES.get(files[0].suffix.lower()) if len(files) == 1 else None
    if kind is None:
        raise InputError(
            f"{key}: {' '.join(map(str, files))}: give one table ({', '.join(TABLES)}) with columns source and target, "
            "or two text files, a segment a line: the source's, then the target's"
        )
    return PairTable.model_validate({"format": kind, "path": files[0], "columns": columns})


def _plain(source: PairSource) -> dict[str, Any]:
    return source.model_dump(mode="json", exclude_defaults=True)


def _split(pairs: int) -> dict[str, int | None]:
    """A third for the cold start, a tenth for dev, each with a limit; the rest for RL."""
    if pairs < 100:
        raise InputError(
            f"TRAIN: {pairs} pairs are too few to divide; 100 are the least, and thousands teach something"
        )
    return {"cold": min(1000, pairs // 3), "rl": None, "dev": min(200, pairs // 10)}


def _language(of: Known, wanted: Wanted) -> dict[str, Any]:
    """A language's entry; it is identified where the other one is written in the same script."""
    alike = wanted.source.scripts[0] == wanted.target.scripts[0]
    is_target = of == wanted.target
    shares = 1.0 if of.scripts[0] == "Latin" else 0.3 if is_target else 0.5
    entry: dict[str, Any] = {
        "script": of.scripts[0],
        "excluded_scripts": [script for script in COMMON if script not in of.scripts],
        "latin_share": shares,
        "bleu_tokens": of.bleu_tokens,
        "identify": "lingua" if alike else "script",
    }
    if not alike:
        return entry
    among = [wanted.source.code, wanted.target.code]
    if find_spec("lingua") is not None:
        try:
            identifier("lingua", of.code, tuple(among))
        except InputError as error:
            raise InputError(
                f"{wanted.source.name} and {wanted.target.name} share a script, so that something must tell them "
                f"apart, and {error}. Name a function of yours by hand: languages.{of.code}.identify: module:function"
            ) from error
    return entry | {"code": of.code, "among": among}


def _retention(wanted: Wanted, test: PairSource) -> dict[str, Any]:
    """The benchmark in the source language: questions, given texts, or the sources of the test set."""
    file = wanted.retention
    if file is not None and file.suffix.lower() == ".json":
        rules = "cmrc2018" if wanted.source.scripts == ["Han"] else "squad"
        ask = "{context}\n\n{question}\n"
        entry = {"kind": "extractive", "rules": rules, "prompt": ask, "test": [{"format": "squad", "path": str(file)}]}
        return {"primary": "questions", "benchmarks": {"cmrc": None, "questions": entry}}
    source: dict[str, Any]
    if file is not None:
        kind = TABLES.get(file.suffix.lower())
        source = {"format": kind or "lines", "path": str(file)}
    elif isinstance(test, AlignedText):
        source = {"format": "lines", "path": str(test.source)}
    else:
        columns = {"text": test.columns.get("source", "source")}  # type: ignore[union-attr]
        source = {"format": test.format, "path": str(test.path), "columns": columns}  # type: ignore[union-attr]
    return {"primary": "kept", "benchmarks": {"cmrc": None, "kept": {"kind": "perplexity", "test": [source]}}}


def _passages(file: Path | None) -> int:
    """How many passages or texts the user's file holds; 0 without one."""
    if file is None:
        return 0
    if file.suffix.lower() == ".json":
        rows = read_questions(Squad(format="squad", path=file), unanswerable=True)
        return len({row["context"] for row in rows})
    kind = TABLES.get(file.suffix.lower())
    form = PairTable(format=kind, path=file) if kind else Lines(format="lines", path=file)
    return len({row["text"] for row in read_documents(CorpusItem(kind="text", source=form))})


def _encoder(wanted: Wanted, number: int) -> dict[str, Any]:
    """A pretrained encoder, or byte-level BPE for a small one."""
    if wanted.encoders:
        return {"path": str(wanted.encoders[number]), "max_tokens": 256}
    return {"tokenizer": {"lexicon": None, "vocab_size": 2000}, "max_tokens": 256}

"""Config files as they are written: what YAML refuses, or reads otherwise than it looks, with file and line."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from semalign.runtime.errors import InputError

MOST_VALUES = 100_000  # of a config with its aliases written out
_CONTROL = re.compile(r"[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = "tag:yaml.org,2002:"
_KEY_TAGS = {f"{_PLAIN}{kind}" for kind in ("str", "merge", "value")}
_TAGS = _KEY_TAGS | {f"{_PLAIN}{kind}" for kind in ("null", "bool", "int", "float", "timestamp", "seq", "map")}


def check_config_files(files: Iterable[str | Path]) -> None:
    """Raise InputError, with file and line, for a config file that cannot be read or that holds a key twice.

    Snakemake reads a file as JSON, else as YAML 1.1; so does this.
    """
    for file in files:
        text = _text(file)
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            if not _is_json(text):
                raise InputError(f"{file}:{_line(error)}: no valid YAML: {_reason(error)}") from None
            continue
        except RecursionError:
            raise InputError(f"{file}: brackets within brackets, deeper than can be read") from None
        if not isinstance(node, yaml.MappingNode):
            found = "nothing" if node is None else "a list" if isinstance(node, yaml.SequenceNode) else "a word"
            raise InputError(f"{file}: keys and values are needed at the top, as in `seeds: [0]`; found {found}")
        for number, (line, message) in enumerate(_problems(node, "", ())):
            if message:
                raise InputError(f"{file}:{line}: {message}")
            if number > MOST_VALUES:
                raise InputError(f"{file}: more than {MOST_VALUES} values, with its aliases (*name) written out")


def resolved(value: Any) -> Any:
    """A value of --config with numbers, truth values and null as YAML has them: Snakemake leaves those within lists
    and mappings as text."""
    if isinstance(value, dict):
        return {key: resolved(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner) for inner in value]
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> Any:
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text)) if tag in _TAGS - _KEY_TAGS else text
    except ValueError:  # 2024-13-45
        return text


def _text(file: str | Path) -> str:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: the config cannot be read: {error.strerror}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{file}: is written in UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file}:{line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    if control := _CONTROL.search(text):
        line, encoding = text.count("\n", 0, control.start()) + 1, "; is it UTF-16?" if control[0] == "\0" else ""
        raise InputError(f"{file}:{line}: holds the character U+{ord(control[0]):04X}, which YAML refuses{encoding}")
    return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _reason(error: yaml.MarkedYAMLError) -> str:
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in reason:
        return f"{reason}; indent with spaces"
    if "another document" in reason:
        return f"{reason}; keep one, without a line of ---"
    return reason


def _problems(node: yaml.Node, key: str, above: tuple[yaml.Node, ...]) -> Iterator[tuple[int, str]]:
    """(line, what is wrong or nothing) of every value."""
    line = node.start_mark.line + 1
    if any(node is one for one in above):
        yield line, f"config key {key} is an alias (*name) of what it stands in, and so without end"
        return
    yield line, _value_problem(node, key)
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _problems(item, f"{key}.{number}", (*above, node))
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            path = f"{key}.{name.value if isinstance(name, yaml.ScalarNode) else '?'}".lstrip(".")
            if name.tag not in _KEY_TAGS:
                yield (
                    line,
                    f"config key {path} is no text to YAML ({name.tag.removeprefix(_PLAIN)}); write it in quotes",
                )
            elif name.value in lines:
                yield line, f"config key {path} was already at line {lines[name.value]}; remove one of them"
            else:
                lines[name.value] = line
                yield from _problems(value, path, (*above, node))


def _value_problem(node: yaml.Node, key: str) -> str:
    if node.tag not in _TAGS:
        return f"config key {key} has the tag {node.tag.replace(_PLAIN, '!!')}, which no config needs; take it out"
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.MarkedYAMLError) as error:  # 2024-13-45; a << or = that is no key
            said = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
            return f"config key {key}: {node.value[:30]} is no value ({said}); write it in quotes where text is meant"
    return ""

"""A key that a config file gives twice: YAML takes the last without a word."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from semalign.errors import InputError


def check_repeated_keys(files: Iterable[str | Path]) -> None:
    """Raise InputError, with file and line, where a mapping of a YAML file holds a key twice."""
    for file in files:
        with open(file, encoding="utf-8") as text:
            for line, message in _repeated(yaml.compose(text, Loader=yaml.SafeLoader), ""):
                raise InputError(f"{file}:{line}: {message}")


def _repeated(node: yaml.Node | None, key: str) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _repeated(item, f"{key}.{number}")
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            path = f"{key}.{name.value}".lstrip(".")
            if name.value in lines:
                yield line, f"config key {path} was already at line {lines[name.value]}; remove one of them"
            lines[name.value] = line
            yield from _repeated(value, path)

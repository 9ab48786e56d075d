"""The shipped config, with other values, and what is said of it."""

import copy
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.conftest import ROOT

SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


def laid(*overlays: dict[str, Any]) -> dict[str, Any]:
    """A copy of it with these laid over it, as Snakemake lays them."""
    raw = copy.deepcopy(SHIPPED)
    for overlay in overlays:
        update_config(raw, overlay)
    return raw


def validated(*overlays: dict[str, Any]) -> Config:
    return validate(laid(*overlays))


def at(key: str, value: Any) -> dict[str, Any]:
    """The overlay that sets one key."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A copy of it with one key set, whatever stood there; a number is a place in a list."""
    raw: dict[str, Any] = copy.deepcopy(SHIPPED)
    *parents, last = path.split(".")
    place: Any = raw
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = value
    return raw


def message(raw: Any) -> str:
    """The message of the InputError that this config raises."""
    with pytest.raises(InputError) as caught:
        validate(raw)
    return str(caught.value)


def said(*overlays: dict[str, Any]) -> str:
    """What is said of the config with these laid over it; nothing where it is valid."""
    try:
        validated(*overlays)
    except InputError as error:
        return str(error)
    return ""

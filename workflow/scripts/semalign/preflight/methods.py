"""The methods that a config can name: one for each file of `semalign.methods`, found there."""

from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from semalign import methods
from semalign.methods.base import Method

SHARED = ("base", "grpo_variant")  # what several methods use
NAMES = sorted(found.name for found in iter_modules(methods.__path__) if found.name not in SHARED)


def method(name: str) -> Any:
    """The module of a method."""
    return import_module(f"semalign.methods.{name}")


if TYPE_CHECKING:
    AnyMethod = Method
else:
    AnyMethod = Annotated[reduce(or_, [method(name).Settings for name in NAMES]), Field(discriminator="method")]

"""One browser for the tests of a file."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import browser


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser() as one:
        yield one

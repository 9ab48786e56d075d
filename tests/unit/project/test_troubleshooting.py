"""The messages that docs/troubleshooting.md quotes are those of the sources."""

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = [heading.strip("` ") for heading in re.findall(r"^### (`.*`)$", PAGE, re.M)]
NOT_OURS = {"No space left on device"}  # the system's


def sources() -> str:
    """All texts of the sources, strings of several lines joined, what is filled in replaced by an ellipsis."""
    files = [*ROOT.glob("workflow/rules/*.smk"), *ROOT.glob("workflow/scripts/**/*.py"), *ROOT.glob("tools/**/*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    joined = re.sub(r"\"\s*\n\s*f?\"", "", text)
    return re.sub(r"\{[^{}\n]*\}", "…", joined) + (ROOT / "Makefile").read_text(encoding="utf-8")


SOURCES = sources()


@pytest.mark.parametrize("heading", QUOTED)
def test_a_quoted_message_is_in_the_sources(heading: str) -> None:
    parts = [part.strip() for part in heading.split("…")]
    if heading not in NOT_OURS:
        assert re.search(".{0,80}?".join(map(re.escape, filter(None, parts))), SOURCES), heading


def test_there_are_messages() -> None:
    assert len(QUOTED) > 40

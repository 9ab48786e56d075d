"""The tiny miniature, run once for all tests that look at a finished run."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.run import snakemake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, all that look at the finished run go to one, and every other file to one."""
    for item in items:
        group = "finished" if {"finished", "copied"} & set(getattr(item, "fixturenames", ())) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a finished run of everything; tests may plan in it, and make or change nothing."""
    folder = tmp_path_factory.mktemp("miniature")
    result = snakemake(folder, "all", overlays=[ROOT / "tests" / "workflow" / "tiny.yaml"])
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, dates and Snakemake's memory included, in which a test may do as it likes."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))

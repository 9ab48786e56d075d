"""Whole runs within tests are forks, of what the project was when the tests began."""

import pytest

from tests.conftest import ROOT
from tests.workflow import forks


def test_a_file_edited_while_tests_run_is_told() -> None:
    """A server has read the rules, and imported the library, once."""
    read = forks.files_read()
    rules = str(ROOT / "workflow" / "rules" / "train.smk")
    assert {rules, str(ROOT / "Snakefile"), str(forks.SCRIPTS / "semalign" / "runtime" / "job.py")} <= read.keys()
    with pytest.raises(SystemExit, match=r"train\.smk was edited after the tests had begun"):
        forks.run_snakemake([], "python", read | {rules: read[rules] - 1})

"""Files for the tools and habits around the project: they name the same versions, commands and places as it does."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

LOCK = dict(line.split("==") for line in (ROOT / "envs" / "lock.txt").read_text().split())
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "config" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_pre_commit_has_the_locks_versions() -> None:
    hooks = loaded(".pre-commit-config.yaml")["repos"][0]["hooks"]
    pinned = [need.split("==") for hook in hooks for need in hook.get("additional_dependencies", [])]
    assert {name for name, _ in pinned} == {"ruff", "snakefmt"}
    assert [(name, version) for name, version in pinned if LOCK[name] != version] == []


def test_github_runs_what_ci_runs_and_nothing_else() -> None:
    steps = loaded(".github/workflows/ci.yml")["jobs"]["ci"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert any(step.get("with", {}).get("cache") == "pip" for step in steps)


def test_github_has_the_oldest_python_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    steps = loaded(".github/workflows/ci.yml")["jobs"]["ci"]["steps"]
    versions = [step["with"]["python-version"] for step in steps if "python-version" in step.get("with", {})]
    assert [f">={version}" for version in versions] == [project["requires-python"]]


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation, project = loaded("CITATION.cff"), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_the_catalogue_knows_how_software_is_deployed() -> None:
    usage = loaded(".snakemake-workflow-catalog.yml")["usage"]
    assert usage["software-stack-deployment"]["conda"] is (ROOT / "envs" / "semalign.yaml").is_file()
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme  # without both words the catalogue leaves a repository out
    assert "workflow" in readme


def test_the_changelog_keeps_its_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    assert versions[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in versions[1:])
    kinds = {line for line in lines if line.startswith("### ")}
    assert kinds <= {f"### {kind}" for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")}


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub("`[^`]*`", "", text))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_and_files_that_are_named_in_passing_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:docs|config|envs|profiles|tools|tests|workflow)/[\w./-]+)`", page.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name.rstrip(".")).exists() and name != "envs/semalign.sif"] == []

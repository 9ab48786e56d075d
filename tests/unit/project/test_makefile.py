"""The Makefile: CONFIG for every target of the workflow, folders of any name, and installations that fail."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

TABLES = [
    "table1",
    "table2",
    "table4",
    "table5",
    "table6a",
    "table6b",
    "frontier",
    "costs",
    "encoders",
    "statistics",
    "audit",
]
TARGETS = {name: f"results/{name}.csv" for name in ["table3", *TABLES]}
TARGETS |= {"report": "results/report.html", "all": "all", "figures": "figures"}
# Stands in for Python: writes down what it was called with, one argument a line.
PYTHON = '#!/bin/sh\nfor one in "$@"; do echo "$one"; done >> called\nexit ${STATUS:-0}\n'
# Stands in for the Python that makes .venv: all is well until it comes to that.
NO_SPACE = '#!/bin/sh\ncase "$*" in *"-m venv"*) echo "Error: [Errno 28] No space left on device" >&2; exit 1;; esac\n'
NO_VENV = '#!/bin/sh\ncase "$*" in *"import ensurepip, venv"*) exit 1;; esac\n'


@pytest.fixture(params=["plain", 'a b\'s "$HOME" `x` #1 & ;'])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the Makefile, its requirements and two configs."""
    place = tmp_path / request.param
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    shutil.copytree(ROOT / "envs", place / "envs")
    for name in ("one.yaml", "two.yaml"):
        (place / name).touch()
    executable(place / "bin" / "python", PYTHON)
    return place


def executable(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "called").unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_target_runs_with_the_users_configs(folder: Path) -> None:
    for name, target in TARGETS.items():
        first = ["config/one_seed.yaml"] if name == "table3" else []
        for given in ([], ["one.yaml"], ["one.yaml", "two.yaml"]):
            made = make(folder, name, "BIN=bin", "CORES=3", f"CONFIG={' '.join(given)}", "-j4")
            assert made.returncode == 0, made.stderr
            configs = ["--configfile", *first, *given] if first + given else []
            called = (folder / "called").read_text().splitlines()
            checked = ["-c", "import snakemake", *(["tools/check_config.py", *given] if given else [])]
            shown = {"all": "results/table3.csv", "report": "", "figures": ""}.get(name, target)
            tool = ["tools/show_table.py", shown] if shown else []
            picture = ["results/figures/tradeoff.svg"] if name == "table3" else []  # which the report then shows
            alone = ["--allowed-rules", "report", "--force"] if name == "report" else []
            assert called == [*checked, "-m", "snakemake", "--cores", "3", target, *picture, *alone, *configs, *tool]


def test_a_search_is_made_and_shown_with_the_users_configs(folder: Path) -> None:
    for given in ([], ["one.yaml", "two.yaml"]):
        assert make(folder, "search", "BIN=bin", "CORES=3", f"CONFIG={' '.join(given)}").returncode == 0
        configs = ["--configfile", *given] if given else []
        called = (folder / "called").read_text().splitlines()
        assert called[-len([*configs, *given]) - 7 :] == [
            *("-m", "snakemake", "--cores", "3", "search", *configs),
            *("-m", "tools.show_search", *given),
        ]


def test_a_report_shows_what_is_there_unless_all_is_asked_for(folder: Path) -> None:
    executable(folder / "bin" / "python", '#!/bin/sh\necho "$SEMALIGN_REPORT $*" >> called\n')
    for given, expected in (
        ([], "present -m snakemake --cores all results/report.html --allowed-rules report --force"),
        (["FULL=1"], " -m snakemake --cores all results/report.html"),
    ):
        assert make(folder, "report", "BIN=bin", *given).returncode == 0
        assert (folder / "called").read_text().splitlines()[-1].rstrip() == expected


def test_a_page_to_try_a_model_takes_the_port_that_was_typed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    for given, expected in (
        (["MODEL=mt/rl/0"], ["--release", "results/release/mt/rl/0"]),
        (["PORT=8001"], ["--port", "8001"]),
    ):
        assert make(folder, "try", "BIN=bin", *given).returncode == 0
        assert (folder / "called").read_text().splitlines()[2:] == ["tools/try_model.py", *expected]


def test_a_folder_without_the_packages_is_told_as_one(folder: Path) -> None:
    executable(folder / "bin" / "python", PYTHON.replace("${STATUS:-0}", "1"))
    for where in ("bin", "nowhere"):
        made = make(folder, "figures", f"BIN={where}")
        assert made.returncode != 0
        assert f"semalign: BIN={where}: no Python with the packages of envs/requirements.txt is there" in made.stdout


def test_help_has_every_target_that_is_for_users(folder: Path) -> None:
    said = make(folder, "help").stdout
    targets = re.search(r"^\.PHONY: (.*)$", (folder / "Makefile").read_text(), re.M)
    assert targets is not None
    named = set(targets[1].replace("$(TABLES)", " ".join(TABLES)).split()) - {"lock", "conda"}
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", said)] == []
    assert said.startswith("make table3       the main job")
    assert max(map(len, said.splitlines())) <= 100  # a terminal of an ordinary width
    assert "PYTHON ?=" not in said


@pytest.mark.parametrize(
    ("python", "says", "never"),
    [
        (NO_SPACE, "No space left on device", "venv module"),
        (NO_VENV, "semalign needs Python's venv module", "could not be made"),
        (PYTHON.replace("${STATUS:-0}", "1"), "semalign needs Python 3.11 or newer", "venv"),
    ],
)
def test_an_installation_that_fails_says_why(folder: Path, python: str, says: str, never: str) -> None:
    executable(folder / "own python", python)
    made = make(folder, "table1", "PYTHON=./own python")
    assert made.returncode != 0
    assert says in made.stdout + made.stderr
    assert never not in (made.stdout + made.stderr).replace(str(folder), "").replace(".venv/ready", "")
    assert not (folder / ".venv" / "ready").exists()


def test_a_failing_pip_is_told_as_one_and_a_broken_environment_is_made_anew(folder: Path) -> None:
    pip = '#!/bin/sh\ncase "$*" in *install*) echo "ERROR: no network" >&2; exit 1;; esac\n'
    executable(folder / "makes", '#!/bin/sh\ncase "$*" in *"-m venv --clear"*) cp sound .venv/bin/python;; esac\n')
    executable(folder / "sound", pip)
    executable(folder / ".venv" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    (folder / ".venv" / "ready").touch()
    os.utime(folder / ".venv" / "ready", (2**31, 2**31))  # newer than all that it is made from
    made = make(folder, "table1", "PYTHON=./makes")
    assert made.returncode != 0
    assert "ERROR: no network" in made.stderr
    assert "semalign: pip could not install the packages; its last words stand above" in made.stdout
    assert (folder / ".venv" / "bin" / "python").read_text() == pip

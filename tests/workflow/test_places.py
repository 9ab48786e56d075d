"""Where the project and its data may lie: in a folder of any name, and within another workflow."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, TINY
from tests.workflow.run import command, counted, plan, plans

NAME = 'a b\'s "c" $HOME `id` #1 (2); & ä藏 [x] * ? % \\ \n'
TARGET = "results/data/cmrc/test.jsonl"
MODULE = f"""
module semalign:
    snakefile: "{ROOT}/Snakefile"{{}}

use rule * from semalign as semalign_*

rule mine:
    input: "results/table1.csv"
    output: "mine.csv"
    shell: "cp {{{{input}}}} {{{{output}}}}"
"""
TWICE = """
import sys, snakemake.cli
for _ in range(2):
    try:
        snakemake.cli.main(sys.argv[1:])
    except SystemExit as ended:
        print("ended with", ended.code, flush=True)
"""


def environment(folder: Path) -> Path:
    """The Python of a virtual environment there, which finds the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    [packages] = (folder / ".venv" / "lib").glob("python*/site-packages")
    found = Path(pytest.__file__).resolve().parents[1]
    (packages / "found.pth").write_text(f"{found}\n")
    return folder / ".venv" / "bin" / "python"


def test_a_project_in_a_folder_of_any_name(project: Path, tmp_path: Path) -> None:
    """Its Python lies there, too; so does the folder where it works."""
    place = tmp_path / NAME
    project.rename(place)
    python = environment(place)
    run = [str(python), *command(place / NAME, TARGET, overlays=[TINY], project=place)[1:]]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (place / NAME / TARGET).exists()


@pytest.mark.parametrize("name", ["{run}", "a{b"])
def test_braces_in_the_name_of_a_folder_are_refused(name: str, project: Path, tmp_path: Path) -> None:
    said = f"{tmp_path / name}: Snakemake takes braces in a path for wildcards; give the folder a name without them"
    [working] = plans(tmp_path / name, [[TINY]])
    assert said in working["error"]
    shutil.rmtree(tmp_path / name, ignore_errors=True)
    project.rename(tmp_path / name)
    [planned] = plans(tmp_path / "work", [[TINY]], project=tmp_path / name)
    assert said in planned["error"]


def test_data_of_any_name_are_read(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    sources = []
    for name in ["a*b", "a[1]", "~x", 'a b\'s "c"', "$HOME", "a,b:c;d&e|f", "ä藏", "a%b\\c", " x ", "-x", "#1"]:
        for number, way in enumerate(("{0}", "{1}", "x/../{0}", ".//{0}", "{1}/")):
            file = tmp_path / f"{name}{number}.jsonl"
            file.write_text('{"id": "1", "source": "a", "target": "b"}\n')
            sources.append(way.format(file.name, file))
    overlay = tmp_path / "own.yaml"
    train = [{"format": "jsonl", "path": path} for path in sources]
    overlay.write_text(yaml.safe_dump({"tasks": {"mt": {"train": train}}}, allow_unicode=True))
    assert plan(tmp_path, "results/data/mt/prepared.jsonl", [TINY, overlay])["prepare_pairs"] == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", None),
        ("\n    config: config", None),
        ("\n    config: {'seeds': [0]}", "config key tasks: missing, and it has no default"),
        ("\n    prefix: 'sub'", "as a module it takes neither prefix nor replace_prefix"),
        ("\n    replace_prefix: {'results': 'out'}", "as a module it takes neither prefix nor replace_prefix"),
    ],
)
def test_as_a_module_of_another_workflow(more: str, said: str | None, tmp_path: Path) -> None:
    given = f'configfile: "{ROOT}/config/config.yaml"\n' if more.endswith("config: config") else ""
    (tmp_path / "Snakefile").write_text(given + MODULE.format(more))
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "mine", "-n", "--quiet", "rules", "--configfile", str(TINY)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = result.stdout + result.stderr
    if said is None:
        assert result.returncode == 0, output
        jobs = counted(output)
        assert (jobs["mine"], jobs["semalign_train_grpo"], jobs["semalign_generate"]) == (1, 1, 3)
    else:
        assert result.returncode != 0
        assert said in output
        assert "Traceback" not in output


def test_two_plans_in_one_process(tmp_path: Path) -> None:
    arguments = command(tmp_path, "results/table1.csv", "-n", "--quiet", "rules", overlays=[TINY])[3:]
    result = subprocess.run([sys.executable, "-c", TWICE, *arguments], capture_output=True, text=True, check=False)
    assert result.stdout.count("ended with 0") == 2, result.stdout + result.stderr

"""What several tests share: tiny models, texts, and a finished run of the tiny miniature."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from xdist.scheduler import LoadScopeScheduling

from semalign.runtime.progress import SECONDS
from semalign.runtime.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"

PAIRS = [
    {"id": str(i), "group": str(i), "source": source, "target": target}
    for i, (source, target) in enumerate(
        [
            ("老师看书。", "དགེ་རྒན་གྱིས་དཔེ་ཆ་བལྟས།"),
            ("妈妈做饭。", "ཨ་མས་ཁ་ལག་བཟོས།"),
            ("孩子喝水。", "ཕྲུ་གུས་ཆུ་བཏུང་།"),
            ("学生写信。", "སློབ་མས་ཡི་གེ་བྲིས།"),
        ]
        * 4
    )
]


@pytest.fixture(scope="session")
def tiny_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Qwen3 with a byte-level BPE tokenizer and a chat template."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from semalign.config.models import Tokenizer
    from semalign.text.tokenizer import build_tokenizer

    folder = tmp_path_factory.mktemp("policy")
    texts = [row[side] for row in PAIRS for side in ("source", "target")]
    tokenizer = build_tokenizer(Tokenizer(lexicon=None, vocab_size=300), texts)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        initializer_range=0.1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of random policies, by the family whose chat template and control tokens they have."""
    from tests.unit.policies import TEMPLATES, policy, tokenizer_of  # which needs PAIRS

    home = tmp_path_factory.mktemp("families")
    return {family: policy(home / family, tokenizer_of(family)) for family in TEMPLATES}


def work(folder: Path, seconds: float = 3600) -> Workspace:
    """A job's workspace in a folder of its own; by default it saves nothing before an hour has passed."""
    folder.mkdir(parents=True, exist_ok=True)
    return Workspace(folder, checkpoint_seconds=seconds)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return work(tmp_path / "work")


# These begin first, in this order, and the other files follow in theirs. Of three workers each has two files from the
# beginning, and another whenever it comes to its last: the first three do not wait for the finished run, but make it or
# do without; the fourth, which waits for the first, is a short one. Only a name's end is given.
FIRST = [
    "finished",
    *(f"test_{name}.py" for name in ("bad_data", "dag", "policy", "slurm", "interruption", "reruns", "given_models")),
]


def scope(nodeid: str) -> str:
    """A file's tests go to one worker; all files that plan in the finished run to the same one."""
    file = nodeid.partition("::")[0]
    text = (ROOT / file).read_text(encoding="utf-8")
    return "finished" if "finished: Path" in text else file


class _ByFile(LoadScopeScheduling):
    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # else what has most tests begins first, and what takes longest last

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile | None:
    """How --dist loadscope divides the tests among workers."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = scope(item.nodeid)
        return next((place for place, end in enumerate(FIRST) if name.endswith(end)), len(FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a finished run of everything; tests may plan in it, and make or change nothing."""
    from tests.workflow.run import command, forked  # which need ROOT

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # by all workers of this run
    folder, done = shared / "miniature", shared / "miniature.done"
    with FileLock(shared / "miniature.lock"):
        if not done.exists():
            folder.mkdir(exist_ok=True)
            run = command(folder, "all", overlays=[TINY])
            with open(shared / "miniature.said", "w") as said:
                status = forked(run, said, said, {SECONDS: "0"})
            assert status == 0, (shared / "miniature.said").read_text(encoding="utf-8")
            shutil.copytree(folder, folder.with_name("untouched"))
            done.touch()
    return folder


@pytest.fixture(scope="session")
def untouched(finished: Path) -> Path:
    """The same in a folder where no test plans, to be copied by tests of any worker."""
    return finished.with_name("untouched")


@pytest.fixture(scope="session")
def said(untouched: Path) -> str:
    """What it printed, each line of progress included."""
    return untouched.with_name("miniature.said").read_text(encoding="utf-8")


@pytest.fixture
def finished_results(untouched: Path) -> Path:
    """Its results, for tests that only read them."""
    return untouched / "results"


@pytest.fixture
def copied(untouched: Path, tmp_path: Path) -> Path:
    """A copy of it, dates and Snakemake's memory included, in which a test may do as it likes."""
    return Path(shutil.copytree(untouched, tmp_path / "copied"))


@pytest.fixture(scope="session")
def reported(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it with its report, which takes one job."""
    from tests.workflow.run import plan, snakemake

    folder = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("reported") / "copied"))
    assert plan(folder, "results/report.html", overlays=[TINY]) == {"report": 1, "total": 1}
    result = snakemake(folder, "results/report.html", overlays=[TINY])
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose code a test may edit."""
    copy = tmp_path / "project"
    for name in ("config", "profiles", "workflow", "envs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", copy)
    return copy

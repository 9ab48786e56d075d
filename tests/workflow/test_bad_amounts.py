"""Too little data for a training, and rewards of one's own that fail: known before anything costly begins."""

from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from tests.workflow.own import make_data, own_config
from tests.workflow.run import snakemake
from tests.workflow.test_bad_data import COSTLY, JUDGE

ONE_DOCUMENT = "".join(f'{{"group": "a", "source": "书{n}", "target": "དེབ་{n}"}}\n' for n in range(3))

# An overlay of a config that is right, and what must be said once the data are divided.
AMOUNTS: dict[str, tuple[dict[str, Any], str]] = {
    "prompts too long for RL": ({"rl": {"max_prompt_tokens": 9}}, "config key rl.batch_size: 8 prompts are sampled at a time (batch_size 64, num_generations 8); lower it, mt has 0 for RL; 16 of its 16 prompts are longer than rl.max_prompt_tokens: 9"),
    "an exam of one document": ({"exam": {"pairs": [{"format": "jsonl", "path": "one.jsonl"}]}}, "config key exam.pairs: 1 documents are left of 3 pairs (0 duplicate or empty, 0 in documents the encoder was trained on); at least 2 that it has not seen are needed (for the exam of encoders.independent)"),
    "a vote on no item": ({"judge": JUDGE | {"human_votes": {"mt": {"format": "csv", "path": "votes.csv"}}}}, "votes.csv:3: the vote is on 'x-0', which is no id of the test set, where ids are like 'mt-test-0'"),
    "a reward that fails": ({"rl": {"rewards": {"mine:f": 1.0}}}, "config key rl.rewards: reward mine:f: {folder}/mine.py:2: ZeroDivisionError: division by zero"),
}  # fmt: skip


def test_too_little_or_a_reward_that_fails_ends_before_anything_costly(tmp_path: Path) -> None:
    """In one folder: what is right is kept from case to case."""
    (tmp_path / "mine.py").write_text(
        "def f(completions, references, sources):\n    return [1 / len(text) for text in completions]\n"
    )
    (tmp_path / "one.jsonl").write_text(ONE_DOCUMENT, encoding="utf-8")
    (tmp_path / "votes.csv").write_text("id,vote\nmt-test-1,2\nx-0,1\n")
    make_data(tmp_path / "data")
    for case, (changes, message) in AMOUNTS.items():
        config = own_config("data")
        update_config(config, changes)
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        result = snakemake(tmp_path, *COSTLY, overlays=[tmp_path / "own.yaml"])
        said = result.stdout + result.stderr
        assert result.returncode != 0, case
        assert said.count(message.replace("{folder}", str(tmp_path))) == 1, said[-3000:]
        assert "Traceback" not in said, case
    logs = list((tmp_path / "results" / "logs").rglob("*.log"))
    assert not [path for path in logs if "train_base" in str(path) or "train_encoder" in str(path)]


def test_too_few_passages_are_known_before_anything_costly(tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    config = own_config("data")
    update_config(config, {"forgetting": {"passages": 5000}})
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    result = snakemake(tmp_path, "results/table6a.csv", overlays=[tmp_path / "own.yaml"])
    assert result.returncode != 0
    assert "config key forgetting.passages: 5000 are asked for, the " in result.stdout + result.stderr
    logs = list((tmp_path / "results" / "logs").rglob("*.log"))
    assert not [path for path in logs if "train_" in str(path) and path.stem != "train_tokenizer"]

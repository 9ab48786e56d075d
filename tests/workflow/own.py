"""A config whose every file is the user's own, as files that a test may break; small, and right as it stands."""

from pathlib import Path
from typing import Any

from semalign.config.data import World
from semalign.miniature.world import generate_world

AMOUNTS = {"questions": 40, "translations": 20, "texts": 20, "mt_train": 60, "mt_test": 6, "hg_train": 60, "hg_test": 6}
WORLD = World(**AMOUNTS, cmrc_test=8, encoder_triplets=80, exam_scenes=12, house_style=0.7)


def make_data(folder: Path) -> None:
    """Write the data files of `own_config` into a folder."""
    generate_world(WORLD, folder)


def own_config(data: str) -> dict[str, Any]:
    """An overlay in which all data lie in the folder `data`, and training takes seconds."""

    def rows(name: str) -> list[dict[str, str]]:
        return [{"format": "jsonl", "path": f"{data}/{name}.jsonl"}]

    split = {"cold": 16, "rl": 16, "dev": 8}
    corpus = [
        {"kind": "questions", "source": {"format": "squad", "path": f"{data}/questions.json"}},
        {"kind": "pairs", "task": "mt", "source": rows("translations")[0]},
        {"kind": "text", "source": rows("text")[0]},
    ]
    words = {"lexicon": f"{data}/lexicon.txt"}
    return {
        "world": None,
        "judge": {"kind": "none"},
        "seeds": [0],
        "tasks": {
            task: {"train": rows(f"{task}_train"), "test": rows(f"{task}_test"), "split": split}
            for task in ("mt", "hg")
        },
        "retention": {"benchmarks": {"cmrc": {"test": [{"format": "squad", "path": f"{data}/cmrc.json"}]}}},
        "policy": {"pretraining": {"corpus": corpus, "tokenizer": words, "steps": 2, "batch_size": 8}},
        "encoders": {
            "reward": {"train": rows("encoder_reward"), "tokenizer": words},
            "independent": {"train": rows("encoder_independent")},
        },
        "exam": {"pairs": rows("exam_pairs"), "probes": rows("probes"), "size": 10},
        "rl": {"snapshot_steps": 1},
        "ablation": None,
        "encoder_ablation": None,
        "few_shot": None,
        "frontier": None,
        "forgetting": {"passages": 4, "sha256": None},
        "statistics": {"primary": []},
    }

"""A finished run on a random model, as jobs would have left it, to be released."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from semalign.config.training import Lora
from semalign.generation.answers import generate
from semalign.policy.models import load_policy, new_adapter, save_adapter
from semalign.runtime.files import read_json, sha256, write_json, write_jsonl
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import fill
from tests.conftest import PAIRS, ROOT
from tools import release

RUN = "mt/rl/0"
PROMPT = "翻译：{source}"
MAX_NEW_TOKENS = 12
HUB = {
    "repo": "owner/policy",
    "kind": "model",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "licence": "MIT",
}


def released_run(folder: Path, source: Path, *arguments: str) -> Path:
    """The folder, with the run in it and its release, made with these arguments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        finished_run(source)
        release.main([RUN, *arguments])
    return folder


def finished_run(source: Path, dtype: str = "float32", base: str = "results/base/model", **config: Any) -> None:
    """Make the run, of the policy in `source`, in the working folder.

    base: where the policy lies there. config: changes of the default config.
    """
    raw = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8")) | config
    write_json("results/configs/x.json", raw)
    shutil.copytree(source, base)
    model, tokenizer = load_policy(base, dtype, "cpu")
    adapted = new_adapter(model, Lora(rank=8, alpha=16, dropout=0.0), seed=0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=torch.Generator().manual_seed(len(name)))
    folder = Path("results") / RUN
    save_adapter(adapted, folder / "adapter")
    tests = [row | {"id": f"t{n}"} for n, row in enumerate(PAIRS[:4])]
    write_jsonl("results/data/mt/test.jsonl", tests)
    Path("work").mkdir()
    answers = generate(
        adapted,
        tokenizer,
        [fill(PROMPT, source=row["source"]) for row in tests],
        max_new_tokens=MAX_NEW_TOKENS,
        batch_size=4,
        workspace=Workspace(Path("work"), 3600),
        name="mt",
    )
    rows = [
        {"testset": "mt", "id": row["id"], "output": answer.text, "tokens": answer.tokens, "truncated": False}
        for row, answer in zip(tests, answers, strict=True)
    ]
    write_jsonl(folder / "predictions.jsonl", rows)
    measure = {"value": 0.25, "floor": 0.1, "n": 4, "signature": "s"}
    cmrc = {"n": 5, "em": 80.0, "f1": 90.0, "avg": 85.0, "signature": "c"}
    write_json(
        folder / "scores" / "text.json",
        {"mt": {"n": 4, "metrics": ["bleu", "chrf"], "bleu": measure, "chrf": measure}, "cmrc": cmrc},
    )
    write_json(folder / "scores" / "similarity.json", {"mt": {"reward": measure, "independent": measure}})
    write_json(folder / "training.json", {"steps": 7})
    _records(base, {"dtype": dtype, "device": "cpu"})


def _records(base: str, policy: dict[str, str]) -> None:
    """What each job leaves beside its first output."""
    folder, tests, pairs = f"results/{RUN}", "results/data/mt/test.jsonl", "results/data/mt/rl.jsonl"
    write_jsonl(pairs, PAIRS[4:])
    Path("results/world").mkdir()
    Path("results/world/mt_test.jsonl").touch()
    record("generate_world", [], ["results/world/mt_test.jsonl"])
    record("split_pairs", ["results/world/mt_test.jsonl"], [tests, pairs])
    if base == "results/base/model":
        record("train_base", ["results/world/mt_test.jsonl"], [base])
    training = {"grpo": {"learning_rate": 0.5}, "policy": policy, "prompt": PROMPT, "seed": 0}
    record("train_grpo", [base, pairs], [f"{folder}/adapter", f"{folder}/training.json"], training)
    tasks = {"mt": {"prompt": PROMPT, "max_new_tokens": MAX_NEW_TOKENS}}
    answering = {"tasks": tasks, "batch_size": 4, "policy": policy}
    record("generate", [base, f"{folder}/adapter", tests], [f"{folder}/predictions.jsonl"], answering)
    for kind in ("text", "similarity"):
        record(f"score_{kind}", [f"{folder}/predictions.jsonl", tests], [f"{folder}/scores/{kind}.json"])


def record(rule: str, inputs: list[str], outputs: list[str], settings: dict[str, Any] | None = None) -> None:
    write_json(
        f"{outputs[0]}.provenance.json",
        {
            "rule": rule,
            "wildcards": {"task": "mt", "model": "rl", "seed": "0"} if RUN in outputs[0] else {},
            "config": "results/configs/x.json",
            "settings": settings or {},
            "inputs": {path: sha256(path) for path in inputs},
            "outputs": {path: sha256(path) for path in outputs},
            "log": f"results/logs/{rule}.log",
            "commit": "c0ffee",
            "versions": {"python": "3"},
        },
    )


def fetched(folder: str) -> dict[str, Any]:
    """The config's part of a policy that was fetched into a folder of results/downloads, and the record of that."""
    name = Path(folder).name
    files = {"config.json": {"sha256": "0" * 64, "bytes": 1}}
    origin = f"{HUB['repo']}@{HUB['revision']}"
    write_json(
        f"results/sources/{name}.json", {"name": name, "origin": origin, "commit": HUB["revision"], "files": files}
    )
    policy = {"path": folder, "dtype": "float32"}
    return {"policy": policy, "downloads": {name: HUB}}


def adapter_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = read_json(folder / "adapter_config.json")
    return config

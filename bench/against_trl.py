"""The project's GRPO beside trl's own trainer with its defaults: the same model, data, batch, rate and updates."""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from peft import PeftModel
from transformers import PreTrainedTokenizerBase
from trl import GRPOConfig, GRPOTrainer

from bench import in_own_process
from bench.clock import StepClock
from bench.made import NEVER
from semalign.config.names import TaskName
from semalign.encoder.model import embed, load_encoder
from semalign.policy.grpo import prompts, train_grpo
from semalign.policy.models import load_adapter, load_policy
from semalign.preflight.root import Config, validate
from semalign.rewards.builtin import Reward, build_rewards, for_trl
from semalign.runtime.files import Row, read_json, read_jsonl
from semalign.runtime.workspace import Workspace


@dataclass(frozen=True)
class Work:
    """What both train: GRPO of one task from its cold start, as a finished run left it in the folder `results`."""

    results: Path
    task: TaskName
    config: Config
    rows: list[Row]
    rewards: dict[str, Reward]

    def model(self, seed: int) -> tuple[PeftModel, PreTrainedTokenizerBase]:
        policy = self.config.policy
        base, tokenizer = load_policy(policy.path or self.results / "base/model", policy.dtype, self.config.device)
        cold = self.results / self.task / "cold_sft" / str(seed) / "adapter"
        return load_adapter(base, cold, trainable=True), tokenizer


def read_work(results: Path, task: TaskName, config: Config, updates: int, seed: int) -> Work:
    """The first rows, for so many updates, of a task's RL data, and its rewards with the threshold of this seed."""
    rows = list(read_jsonl(results / "data" / task / "rl.jsonl"))
    wanted = updates * config.rl.batch_size // config.rl.num_generations
    if wanted > len(rows):
        raise SystemExit(f"--updates {updates}: {wanted} prompts are needed, {task} has {len(rows)} for RL")
    encoder = load_encoder(results / "encoders/reward/model", config.device)
    tau = read_json(results / task / "cold_sft" / str(seed) / "threshold.json")["tau"]
    language = config.languages[config.tasks[task].target_language]
    rewards = build_rewards(list(config.rl.rewards), language, lambda texts: embed(encoder, texts), tau)
    return Work(results, task, config, rows[:wanted], rewards)


def ours(work: Work, seed: int, folder: Path, **changes: Any) -> list[float]:
    """The project's trainer as a run calls it, its settings those of the config but for `changes`; the mean reward of
    each update."""
    config = work.config
    model, tokenizer = work.model(seed)
    _, history = train_grpo(
        model,
        tokenizer,
        work.rows,
        config.tasks[work.task].prompt,
        work.rewards,
        config.rl.model_copy(update={"epochs": 1} | changes),
        dtype=config.policy.dtype,
        device=config.device,
        seed=seed,
        workspace=Workspace(folder, checkpoint_seconds=NEVER),
    )
    return [entry["reward"] for entry in history if "reward" in entry]


def stock(work: Work, seed: int, folder: Path, **changes: Any) -> list[float]:
    """trl's trainer with the arguments that say what is trained and on what, all else its default but for `changes`."""
    rl = work.config.rl
    assert isinstance(rl.micro_batch_size, int), "auto is not compared"
    micro = rl.micro_batch_size
    model, tokenizer = work.model(seed)
    data, *_ = prompts(work.rows, work.config.tasks[work.task].prompt, tokenizer, rl.max_prompt_tokens)
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": 1,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": rl.batch_size // micro,
        "learning_rate": rl.learning_rate,
        "lr_scheduler_type": rl.schedule,
        "warmup_steps": rl.warmup_ratio,
        "num_generations": rl.num_generations,
        "max_completion_length": rl.max_new_tokens,
        "temperature": rl.temperature,
        "top_p": rl.top_p,
        "reward_weights": list(rl.rewards.values()),
        "seed": seed,
        "use_cpu": work.config.device == "cpu",
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,  # the curve of rewards
    }
    trainer = GRPOTrainer(
        model=model,
        args=GRPOConfig(**arguments | changes),
        reward_funcs=[for_trl(name, work.rewards[name]) for name in rl.rewards],
        train_dataset=data,
        processing_class=tokenizer,
    )
    trainer.train()
    return [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]


Trainer = Callable[[Work, int, Path], list[float]]
TRAINERS: dict[str, Trainer] = {
    "ours": ours,
    "stock trl": stock,
    # its two defaults undone that a model in float32 on a CPU has no use for
    "stock trl, as precise, nothing recomputed": partial(stock, bf16=False, gradient_checkpointing=False),
    "ours, 4 updates a generation": partial(ours, steps_per_generation=4),
}


def order(seed: int) -> list[str]:
    """The trainers in turn, backwards for odd seeds: no one always runs first."""
    return list(TRAINERS) if seed % 2 == 0 else list(TRAINERS)[::-1]


def measure(name: str, options: dict[str, Any]) -> dict[str, float]:
    """One training, in a process of its own."""
    threads = str(options["threads"])
    return in_own_process("bench.against_trl", name, json.dumps(options), OMP_NUM_THREADS=threads)


def main(name: str, options: dict[str, Any]) -> dict[str, float]:
    """Seconds of an update, and the mean reward of the first and of the last tenth."""
    torch.set_num_threads(options["threads"])
    config = validate(yaml.safe_load(Path(options["config"]).read_text(encoding="utf-8")))
    seed = options["seed"]
    work = read_work(Path(options["results"]), options["task"], config, options["updates"], seed)
    with tempfile.TemporaryDirectory() as folder, StepClock(config.device) as clock:
        rewards = TRAINERS[name](work, seed, Path(folder))
    tenth = max(1, len(rewards) // 10)
    return clock.on_average() | {
        "reward_first_tenth": float(np.mean(rewards[:tenth])),
        "reward_last_tenth": float(np.mean(rewards[-tenth:])),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))

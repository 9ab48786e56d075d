"""Seconds of what a run spends its GPU on, each by the project's own function, beside the floor of the hardware."""

import logging
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from peft import PeftModel
from sentence_transformers import SentenceTransformer

from bench import floors
from bench.clock import PeakMemory, Seconds, StepClock, release, timed
from bench.floors import Device, Shape
from bench.made import NEVER, PROMPT, Texts
from semalign.config.training import Grpo, Sft
from semalign.encoder.model import embed as encode
from semalign.generation.answers import Sampling, generate, sample
from semalign.policy.grpo import train_grpo
from semalign.policy.likelihood import token_statistics
from semalign.policy.sft import train_sft
from semalign.rewards.builtin import similarity_reward
from semalign.runtime.workspace import Workspace

log = logging.getLogger(__name__)

WARM_UP_TOKENS = 8


@dataclass(frozen=True)
class Sizes:
    """How much work one measurement holds; lengths in tokens."""

    sft_batch: int  # examples of an update
    batch: int  # completions of an update
    micro_batch: int
    generations: int  # completions a prompt
    sft_tokens: int
    prompt: int
    completion: int
    long_generation: int  # micro-steps that one generation serves, where it serves many
    decode_batches: tuple[int, ...]
    passages: int
    passage_tokens: int
    passage_batch: int
    pairs: int
    pair_tokens: int


PAPER = Sizes(32, 32, 16, 8, 1024, 256, 256, 16, (32, 256), 32, 1024, 16, 256, 256)
# batches of config/config.yaml; lengths are the means of its data
MINIATURE = Sizes(16, 64, 64, 8, 40, 18, 18, 4, (64,), 64, 60, 16, 64, 16)
TINY = Sizes(8, 8, 4, 4, 32, 24, 8, 8, (4, 8), 4, 32, 2, 8, 16)


@dataclass(frozen=True)
class Bench:
    """What all measurements share: the models, the work, the device, how often."""

    make_policy: Callable[[], PeftModel]  # a new one each time: a trainer leaves its marks on a model
    make_encoder: Callable[[], SentenceTransformer]
    texts: Texts
    shape: Shape
    encoder_shape: Shape
    sizes: Sizes
    dtype: str
    device: str
    hardware: Device | None
    repeats: int
    seed: int

    @property
    def recomputed(self) -> bool:
        """Whether the trainers recompute activations: they do on a GPU."""
        return self.device != "cpu"

    @cached_property
    def encoder(self) -> SentenceTransformer:
        return self.make_encoder()


Terms = dict[str, float]


def sft_step(bench: Bench) -> Seconds:
    """An update of supervised fine-tuning."""
    sizes = bench.sizes
    count = sizes.sft_batch * (bench.repeats + 2)  # the first step is warm-up, the second begins the first interval
    rows = [bench.texts.pair(sizes.sft_tokens, number) for number in range(count)]
    settings = Sft(
        learning_rate=2e-5,
        epochs=1,
        batch_size=sizes.sft_batch,
        micro_batch_size=min(sizes.sft_batch, max(1, sizes.micro_batch // 2)),
        warmup_ratio=0,
        max_tokens=sizes.sft_tokens + 8,
    )
    with tempfile.TemporaryDirectory() as folder, StepClock(bench.device) as clock:
        train_sft(bench.make_policy(), bench.texts.tokenizer, rows, PROMPT, settings, **_where(bench, folder))
    return clock.a_step(warmup=2)


def sft_floor(bench: Bench, device: Device) -> Terms:
    sizes = bench.sizes
    return {"update": floors.training_seconds(device, bench.shape, sizes.sft_batch, sizes.sft_tokens, bench.recomputed)}


def grpo_step(bench: Bench, steps_per_generation: int) -> Seconds:
    """An update of GRPO, its share of the generation included."""
    sizes = bench.sizes
    accumulation = sizes.batch // sizes.micro_batch
    cycle = max(1, steps_per_generation // accumulation)  # updates that one generation serves
    count = cycle * (bench.repeats + 1) * sizes.batch // sizes.generations
    rows = [
        {"id": str(i), "source": bench.texts.source(sizes.prompt), "target": bench.texts.text(sizes.completion)}
        for i in range(count)
    ]
    settings = Grpo(
        learning_rate=5e-7,
        epochs=1,
        batch_size=sizes.batch,
        micro_batch_size=sizes.micro_batch,
        num_generations=sizes.generations,
        steps_per_generation=steps_per_generation,
        warmup_ratio=0,
        schedule="constant",
        max_prompt_tokens=sizes.prompt,
        max_new_tokens=sizes.completion,
        rewards={"similarity": 1.0},
    )
    embed = partial(encode, bench.encoder)  # made before the clock runs
    rewards = {"similarity": similarity_reward(embed, tau=-1.0)}
    with tempfile.TemporaryDirectory() as folder, StepClock(bench.device) as clock:
        train_grpo(bench.make_policy(), bench.texts.tokenizer, rows, PROMPT, rewards, settings, **_where(bench, folder))
    return clock.a_step(cycle=cycle, warmup=1)


def grpo_floor(bench: Bench, device: Device, steps_per_generation: int) -> Terms:
    sizes = bench.sizes
    return floors.grpo_terms(
        device,
        bench.shape,
        bench.encoder_shape,
        batch=sizes.batch,
        micro_batch=sizes.micro_batch,
        steps_per_generation=steps_per_generation,
        prompt=sizes.prompt,
        completion=sizes.completion,
        recomputed=bench.recomputed,
    )


def decoding(
    bench: Bench, batch: int, prepare: Callable[[PeftModel], None] = lambda policy: None, drawn: bool = False
) -> Seconds:
    """One batch of answers, greedy or drawn as RL does it, by a policy that `prepare` may have changed.

    The warm-up writes a few tokens.
    """
    sizes, policy = bench.sizes, bench.make_policy()
    prepare(policy)
    each = sizes.generations if drawn else 1
    texts = [bench.texts.source(sizes.prompt) for _ in range(batch // each)]
    answer: Callable[..., Any] = partial(sample, sampling=Sampling(each, 0.8, 0.9, bench.seed)) if drawn else generate
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), NEVER)

        def work(number: int) -> None:
            answer(
                policy,
                bench.texts.tokenizer,
                texts,
                max_new_tokens=sizes.completion if number else WARM_UP_TOKENS,
                batch_size=batch,
                workspace=workspace,
                name=str(number),
            )

        return timed(work, bench.repeats, 1, bench.device)


def decoding_floor(bench: Bench, device: Device, batch: int) -> Terms:
    sizes = bench.sizes
    return {"generation": floors.generation_seconds(device, bench.shape, batch, sizes.prompt, sizes.completion)}


def likelihood(bench: Bench) -> Seconds:
    """NLL and KL to the base of passages."""
    sizes = bench.sizes
    policy = bench.make_policy()
    texts = [bench.texts.text(sizes.passage_tokens) for _ in range(sizes.passages)]

    def work(number: int) -> None:
        token_statistics(
            policy,
            bench.texts.tokenizer,
            texts,
            max_tokens=sizes.passage_tokens,
            batch_size=sizes.passage_batch,
            chunk_tokens=1024,
        )

    return timed(work, bench.repeats, 1, bench.device)


def likelihood_floor(bench: Bench, device: Device) -> Terms:
    sizes = bench.sizes
    return {"passes": floors.likelihood_seconds(device, bench.shape, sizes.passages, sizes.passage_tokens)}


def reward(bench: Bench) -> Seconds:
    """The similarity reward of pairs of completion and reference."""
    sizes = bench.sizes
    length = sizes.pair_tokens - 2  # the encoder adds two
    completions, references = ([bench.texts.text(length) for _ in range(sizes.pairs)] for _ in range(2))
    rewarded = similarity_reward(partial(encode, bench.encoder), tau=0.5)
    return timed(lambda number: rewarded(completions, references, references), bench.repeats, 1, bench.device)


def reward_floor(bench: Bench, device: Device) -> Terms:
    sizes = bench.sizes
    return {"passes": floors.encoding_seconds(device, bench.encoder_shape, 2 * sizes.pairs, sizes.pair_tokens)}


@dataclass(frozen=True)
class Benchmark:
    name: str
    kind: str  # what a plan's rates are called
    measure: Callable[[Bench], Seconds]
    floor: Callable[[Bench, Device], Terms]


def benchmarks(sizes: Sizes) -> list[Benchmark]:
    """All of them, in the order in which they run."""
    short, long = sizes.batch // sizes.micro_batch, sizes.long_generation
    grpo = f"GRPO step, {sizes.batch} × ({sizes.prompt} + {sizes.completion}), steps_per_generation"
    answers = f"generation of {sizes.completion} tokens, batch"
    passages, pairs = f"{sizes.passages} × {sizes.passage_tokens}", f"{sizes.pairs} pairs of {sizes.pair_tokens}"
    found = [
        Benchmark(f"SFT step, {sizes.sft_batch} × {sizes.sft_tokens} tokens", "sft", sft_step, sft_floor),
        Benchmark(f"NLL and KL, {passages} tokens", "likelihood", likelihood, likelihood_floor),
        Benchmark(f"reward of {pairs} tokens", "reward", reward, reward_floor),
    ]
    for steps, kind in ((short, "grpo"), (long, "grpo, long generations")):
        measure = partial(grpo_step, steps_per_generation=steps)
        found.append(Benchmark(f"{grpo} {steps}", kind, measure, partial(grpo_floor, steps_per_generation=steps)))
    for batch in sizes.decode_batches:
        measure = partial(decoding, batch=batch)
        found.append(Benchmark(f"{answers} {batch}", "generation", measure, partial(decoding_floor, batch=batch)))
    return found


def run(bench: Bench, chosen: list[Benchmark]) -> Iterator[dict[str, Any]]:
    """A record of each benchmark as it ends: its seconds, floor (null where the device is unknown), ratio, memory.

    One that the device refuses (no memory, no compiler) leaves a record of its error, and the others go on.
    """
    for benchmark in chosen:
        name = {"benchmark": benchmark.name, "kind": benchmark.kind}
        try:
            with PeakMemory(bench.device) as memory:
                seconds = benchmark.measure(bench)
        except RuntimeError as error:
            log.exception("%s", benchmark.name)
            yield name | {"error": f"{type(error).__name__}: {error}"}
        else:
            terms = benchmark.floor(bench, bench.hardware) if bench.hardware else {}
            floor = math.fsum(terms.values()) if terms else None
            yield name | {
                "seconds": vars(seconds),
                "floor_seconds": floor,
                "floor_terms": terms,
                "ratio": seconds.median / floor if floor else None,
                "peak_memory_gib": memory.gib,
            }
        release(bench.device)


def _where(bench: Bench, folder: str) -> dict[str, Any]:
    workspace = Workspace(Path(folder), NEVER)
    return {"dtype": bench.dtype, "device": bench.device, "seed": bench.seed, "workspace": workspace}

"""How much GPU memory a training of adapters needs at its peak: estimated, part by part (docs/training.md, Memory).

What a layer keeps for the backward pass was counted from what autograd saves of Qwen3 under bfloat16 autocast with LoRA
on every projection; nothing here was measured on a GPU.
"""

from dataclasses import dataclass

from bench.floors import Shape
from semalign.config.training import Optimisation, Sft
from semalign.methods.base import Trained
from semalign.preflight.root import Config
from tools.planning.dag import Job

GIB = 2**30
BYTES = {"float32": 4, "bfloat16": 2}
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)  # a weight: 4 bits, a scale of 8 bits each 64, one of 32 bits each 256 of these
ADAPTER = 4 * 4 + 2  # bytes of a parameter: itself, gradient and AdamW's two moments in float32; autocast's copy
HIDDEN, QUERY, KEY, INNER, DROPPED, RANK = 18, 10, 8, 8, 4, 2  # bytes of a token and layer, by width; docs/training.md
TILE_TOKENS, TILE_WIDTH, TILE_BYTES = 4096, 32_768, 4  # of trl's LM head, which never has all logits at once
KL_TOKENS, KL_BYTES = 1024, 20  # of the LM head of kl_sft: two distributions in float32, and what they are made from
SAMPLED_BYTES = 24  # of a logit as top-p samples: itself, sorted with its place, two sums
CONTEXT = 1.0 * GIB  # CUDA's own and its libraries' buffers: assumed
SPARE = 0.9  # of a card's memory that may be planned for, as `micro_batch_size: auto` does


@dataclass(frozen=True)
class Training:
    """What decides the memory of one process."""

    rows: int  # of a forward pass
    length: int  # tokens of the longest
    dropout: bool = False
    reference: bool = False  # a frozen copy of the adapter
    sampled: int = 0  # completions of a generation
    prompt: int = 0  # tokens of its longest prompt
    kl: bool = False  # to the base, over the whole vocabulary
    encoder: bool = False  # rewards on the same card


def training_of(config: Config, job: Job) -> Training | None:
    """Of a job; None where it trains no adapter. With `micro_batch_size: auto` a pass of one row, the least."""
    if job.rule not in ("train_sft", "train_grpo", "train_method"):
        return None
    model = job.wildcards["model"]
    task = next(task for name, task in config.tasks.items() if name == job.wildcards["task"])
    found = config.methods().get(model.partition("@")[0]) if job.rule == "train_method" else None
    entry = found if isinstance(found, Trained) else None
    method = str(getattr(entry, "method", ""))
    passes = entry.passes(float(model.partition("@")[2])) if entry else None
    if passes == 0:
        return None
    if job.rule == "train_grpo" or (entry and (passes is None or "reward" in entry.needs)):
        trial = config.trial(model)
        rl = config.rl.model_copy(update=trial.values if trial else {})
        rows = _rows(rl.micro_batch_size)
        served = rows * rl.steps_per_generation if rl.steps_per_generation else rl.batch_size // config.processes
        return Training(
            rows,
            rl.max_prompt_tokens + rl.max_new_tokens,
            reference=rl.beta > 0 or method == "grpo_kl",
            sampled=served,
            prompt=rl.max_prompt_tokens,
            encoder=True,
        )
    if method == "dpo" and isinstance(entry, Optimisation):  # both answers pass together; dropout is off
        return Training(_rows(entry.micro_batch_size), 2 * task.max_tokens, reference=True)
    few = config.few_shot.sft if config.few_shot and model.startswith("fewshot-") else config.strong_sft
    settings = entry if isinstance(entry, Sft) else config.cold_sft if model == "cold_sft" else few
    # replayed texts are cut at the training's own length
    length = settings.max_tokens if method == "replay" else min(task.max_tokens, settings.max_tokens)
    return Training(_rows(settings.micro_batch_size), length, dropout=config.lora.dropout > 0, kl=method == "kl_sft")


def memory(training: Training, config: Config, policy: Shape, encoder: Shape, card: float | None) -> dict[str, float]:
    """Bytes by part. `update` and `generation` are not there at once. card: its bytes, of which vLLM takes a share."""
    vllm = training.sampled and config.rl.generation == "vllm"
    size = BYTES["float32" if vllm else config.policy.dtype]  # vLLM is given merged weights: see full_precision
    wide = config.policy.dtype == "float32"
    largest = max(inside * outside for inside, outside in policy.projections)
    linear = policy.linear * NF4 + 2 * largest if config.policy.quantization else policy.linear * size
    adapter = policy.lora * (ADAPTER + 4 * training.reference)
    update = (_activations(training, config, policy) + _head(training, policy)) * (1 + wide)
    if vllm:
        generation = config.rl.vllm_memory * (card or 0.0)
        update += generation  # which it keeps meanwhile
    else:
        generation = _generation(training, policy) * (1 + wide)
        generation += policy.linear * 4 * bool(wide and training.sampled)  # merged weights beside the base's
    return {
        "weights": linear + policy.embedding * size,
        "adapter": adapter,
        "update": update,
        "generation": generation,
        "encoder": 4.0 * (encoder.linear + encoder.embedding) * training.encoder,
        "context": CONTEXT,
    }


def peak(parts: dict[str, float]) -> float:
    always = sum(value for name, value in parts.items() if name not in ("update", "generation"))
    return always + max(parts["update"], parts["generation"])


def fits(needed: float, card: float | None) -> str:
    """yes, hardly or no: whether the card has the bytes that are needed; empty where its memory is unknown."""
    if card is None:
        return ""
    return "yes" if needed <= SPARE * card else "hardly" if needed <= card else "no"


def _rows(micro_batch: int | str) -> int:
    return micro_batch if isinstance(micro_batch, int) else 1


def layer_bytes(policy: Shape, dropout: bool) -> float:
    """What a layer keeps of a token for the backward pass, under bfloat16 autocast."""
    queries, keys = policy.heads * policy.head_dim, policy.kv_heads * policy.head_dim
    kept = HIDDEN * policy.hidden + QUERY * queries + KEY * keys + INNER * policy.intermediate
    kept += RANK * policy.lora_rank * len(policy.projections)
    return kept + (DROPPED * sum(inside for inside, _ in policy.projections) if dropout else 0)


def _activations(training: Training, config: Config, policy: Shape) -> float:
    """Of a forward pass; with recomputation the inputs of all layers, and one layer at a time."""
    recomputed = config.device == "cuda" if config.gradient_checkpointing is None else config.gradient_checkpointing
    layer, tokens = layer_bytes(policy, training.dropout), training.rows * training.length
    return tokens * (policy.layers * 2 * policy.hidden + layer if recomputed else policy.layers * layer)


def _head(training: Training, policy: Shape) -> float:
    tokens = training.rows * training.length
    tile = min(tokens, TILE_TOKENS) * min(policy.vocabulary, TILE_WIDTH) * TILE_BYTES
    return tile + min(tokens, KL_TOKENS) * policy.vocabulary * KL_BYTES * training.kl


def _generation(training: Training, policy: Shape) -> float:
    """The cache, the logits of a step, and what reading the prompts takes."""
    new = training.length - training.prompt
    cache = (training.prompt + new) * policy.cache
    reading = training.prompt * 2 * (4 * policy.hidden + 3 * policy.intermediate)
    return training.sampled * (cache + policy.vocabulary * SAMPLED_BYTES + reading)

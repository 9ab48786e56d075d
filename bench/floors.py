"""The least time that a GPU needs for a piece of work, from its operations and bytes alone.

    seconds ≥ max(operations / peak operations, bytes / peak bandwidth)

with what matrix products and copies attain of a data sheet's peaks. Nothing is counted but matrix products and, in
decoding, the reading of weights and cache: a floor is not a forecast. Needs neither torch nor a GPU.
"""

from dataclasses import dataclass

BF16, FP32 = 2, 4  # bytes
# Of the data sheet's dense bf16 rate and bandwidth, what large matrix products and long copies attain.
ATTAINED_OPERATIONS, ATTAINED_BANDWIDTH = 0.81, 0.906


@dataclass(frozen=True)
class Device:
    """What a device attains: operations a second (bf16 matrix products) and bytes a second."""

    name: str
    operations: float
    bandwidth: float

    def seconds(self, operations: float, read: float = 0.0) -> float:
        return max(operations / self.operations, read / self.bandwidth)


# Peak dense bf16 operations a second, bytes a second, and GiB of memory, of which a driver keeps some; by what the
# driver calls the device (its makers' data sheets).
DATA_SHEETS = {
    "H200": (989e12, 4.8e12, 141),
    "H100": (989e12, 3.35e12, 80),
    "A100-SXM4-80GB": (312e12, 2.039e12, 80),
    "A100-SXM4-40GB": (312e12, 1.555e12, 40),
    "L40S": (362e12, 0.864e12, 48),
    "RTX 4090": (165e12, 1.008e12, 24),
    "RTX 3090": (71e12, 0.936e12, 24),
}


def memory_of(name: str) -> float | None:
    """Bytes of memory of the card whose known name is part of `name`; None where none is."""
    return next((gib * 2.0**30 for known, (_, _, gib) in DATA_SHEETS.items() if known in name), None)


def known_device(name: str) -> Device | None:
    """The device whose known name is part of `name`; None where none is."""
    for known, (operations, bandwidth, _) in DATA_SHEETS.items():
        if known in name:
            return Device(name, operations * ATTAINED_OPERATIONS, bandwidth * ATTAINED_BANDWIDTH)
    return None


@dataclass(frozen=True)
class Shape:
    """A transformer: a policy with gated feed-forward and tied embeddings (`gated`), or an encoder."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    lora_rank: int = 0
    gated: bool = True

    @property
    def projections(self) -> list[tuple[int, int]]:
        """(in, out) of a layer's linear maps."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = [(self.hidden, queries), (self.hidden, keys), (self.hidden, keys), (queries, self.hidden)]
        up = [(self.hidden, self.intermediate)] * (2 if self.gated else 1)
        return [*attention, *up, (self.intermediate, self.hidden)]

    @property
    def linear(self) -> int:
        """Parameters of the linear maps of all layers."""
        return self.layers * sum(inside * outside for inside, outside in self.projections)

    @property
    def lora(self) -> int:
        """Parameters of the adapter on all of them."""
        return self.layers * sum(self.lora_rank * (inside + outside) for inside, outside in self.projections)

    @property
    def embedding(self) -> int:
        """Parameters of the embedding, which is the LM head too."""
        return self.vocabulary * self.hidden

    def attention(self, length: float) -> float:
        """Operations a token of causal attention in a sequence of so many tokens: scores and sums over half of it."""
        return self.layers * 2 * 2 * self.heads * self.head_dim * length / 2

    @property
    def cache(self) -> int:
        """Bytes of keys and values of a token."""
        return self.layers * 2 * self.kv_heads * self.head_dim * BF16


QWEN3_4B = Shape(36, 2560, 9728, 32, 8, 128, 151_936, lora_rank=64)
QWEN3_06B = Shape(28, 1024, 3072, 16, 8, 128, 151_936, lora_rank=64)
GEMMA3_270M = Shape(18, 640, 2048, 4, 1, 256, 262_144, lora_rank=64)
MINIATURE = Shape(3, 128, 384, 4, 4, 32, 410, lora_rank=64)  # of config/config.yaml
TINY = Shape(2, 32, 64, 2, 2, 16, 300, lora_rank=8)
XLM_R_BASE = Shape(12, 768, 3072, 12, 12, 64, 250_002, gated=False)
MINIATURE_ENCODER = Shape(2, 96, 192, 4, 4, 24, 410, gated=False)
TINY_ENCODER = Shape(1, 32, 64, 2, 2, 16, 300, gated=False)


def forward(shape: Shape, tokens: float, length: float, head: bool = True) -> float:
    """Operations of a forward pass over tokens in sequences of this length: 2 a parameter and token."""
    parameters = shape.linear + shape.lora + (shape.embedding if head else 0)
    return tokens * (2 * parameters + shape.attention(length))


def training(shape: Shape, tokens: float, length: float, recomputed: bool) -> float:
    """Operations of forward and backward with only the adapter trained.

    Backward: 2 a frozen parameter and token (to the inputs alone), 4 an adapter's (to its weights too), twice the
    attention. Recomputation (activation checkpointing) adds the layers' forward pass once more.
    """
    backward = tokens * (2 * (shape.linear + shape.embedding) + 4 * shape.lora + 2 * shape.attention(length))
    again = forward(shape, tokens, length, head=False) if recomputed else 0.0
    return forward(shape, tokens, length) + backward + again


def decode_step(shape: Shape, batch: float, length: float) -> tuple[float, float]:
    """(operations, bytes read) of one token for each of a batch, with so many tokens in each cache: every weight once,
    every key and value once."""
    operations = batch * (2 * (shape.linear + shape.lora + shape.embedding) + 2 * shape.attention(length))
    weights = (shape.linear + shape.embedding) * BF16 + shape.lora * FP32
    return operations, weights + batch * length * shape.cache


def training_seconds(device: Device, shape: Shape, sequences: float, length: float, recomputed: bool) -> float:
    """One update on so many sequences of this length."""
    return device.seconds(training(shape, sequences * length, length, recomputed))


def scoring_seconds(device: Device, shape: Shape, sequences: float, length: float) -> float:
    """Log-probabilities of every token: one forward pass with the head."""
    return device.seconds(forward(shape, sequences * length, length))


def likelihood_seconds(device: Device, shape: Shape, sequences: float, length: float) -> float:
    """NLL and KL: two forward passes, with the adapter and without."""
    return 2 * scoring_seconds(device, shape, sequences, length)


def generation_seconds(device: Device, shape: Shape, batch: float, prompt: float, answer: float) -> float:
    """A batch of prompts read, then answered token by token with a cache."""
    reading = device.seconds(forward(shape, batch * prompt, prompt, head=False))
    return reading + answer * device.seconds(*decode_step(shape, batch, prompt + answer / 2))


def encoding_seconds(device: Device, shape: Shape, texts: float, length: float) -> float:
    """Embeddings of texts: a forward pass without a head; attention looks both ways."""
    return device.seconds(texts * length * (2 * shape.linear + 2 * shape.attention(length)))


def contrastive_seconds(device: Device, shape: Shape, texts: float, length: float) -> float:
    """One update of an encoder, all of it trained: backward costs twice the forward pass."""
    return 3 * encoding_seconds(device, shape, texts, length)


def grpo_terms(
    device: Device,
    shape: Shape,
    encoder: Shape,
    *,
    batch: int,
    micro_batch: int,
    steps_per_generation: int,
    prompt: float,
    completion: float,
    recomputed: bool,
) -> dict[str, float]:
    """Seconds of an update of GRPO on so many completions, term by term.

    A generation serves `steps_per_generation` micro-steps; where these are more than one update's, trl scores its
    completions once more, for the log-probabilities of the policy that sampled them.
    """
    served = max(1, steps_per_generation * micro_batch // batch)  # updates
    sampled = batch * served
    terms = {
        "update": training_seconds(device, shape, batch, prompt + completion, recomputed),
        "generation": generation_seconds(device, shape, sampled, prompt, completion) / served,
        "reward": encoding_seconds(device, encoder, 2 * sampled, completion) / served,
    }
    if served > 1:
        terms["old log-probabilities"] = scoring_seconds(device, shape, batch, prompt + completion)
    return terms

"""Ways to generate on a GPU, beside each other: the same model, prompts and number of tokens."""

from collections.abc import Callable
from functools import partial
from typing import Any

from peft import PeftModel

from bench.policy import Benchmark, Sizes, decoding, decoding_floor
from semalign.policy.graph_decoding import decode_plainly, decode_with_graphs

Prepare = Callable[[PeftModel], None]


def plain(policy: PeftModel) -> None:
    """As transformers and trl do by default: a cache that grows, each kernel launched by Python."""
    base: Any = policy.get_base_model()
    decode_plainly(base)


def graphs(policy: PeftModel) -> None:
    """By CUDA graphs, as with `policy.cuda_graphs: true`."""
    base: Any = policy.get_base_model()
    decode_with_graphs(base)


def compiled(policy: PeftModel) -> None:
    """By transformers' own compilation: a static cache and torch.compile with CUDA graphs. The first call compiles."""
    plain(policy)
    decoding_settings: Any = policy.generation_config
    decoding_settings.cache_implementation = "static"


def merged(prepare: Prepare, policy: PeftModel) -> None:
    """With the adapter inside the weights; below float32 they are rounded, so this is not quite the same model."""
    policy.merge_adapter()
    prepare(policy)


def variants(sizes: Sizes) -> list[Benchmark]:
    """Each at every batch size, the fast and certain ones first; compilation, which takes a minute, at the first."""
    ways: list[tuple[str, Prepare, bool]] = [
        ("graphs", graphs, False),
        ("plain", plain, False),
        ("graphs, drawn", graphs, True),
        ("graphs, merged", partial(merged, graphs), False),
    ]
    measured = [(*way, batch) for batch in sizes.decode_batches for way in ways]
    measured.append(("compiled", compiled, False, sizes.decode_batches[0]))
    return [
        Benchmark(
            f"{sizes.completion} tokens, batch {batch}, {name}",
            f"generation, {name}",
            partial(decoding, batch=batch, prepare=prepare, drawn=drawn),
            partial(decoding_floor, batch=batch),
        )
        for name, prepare, drawn, batch in measured
    ]

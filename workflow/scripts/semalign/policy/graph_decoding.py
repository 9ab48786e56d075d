"""Token-by-token generation on a GPU by CUDA graphs.

A decoding step of a small batch launches thousands of short kernels, and launching them takes longer than running them.
A CUDA graph records the launches once and replays them as one. It needs buffers that stay where they are: transformers'
static cache. The kernels are those of the plain step, so nothing is compiled and any architecture will do whose cache
has a fixed size.
"""

import logging
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel, StaticCache
from transformers.cache_utils import StaticLayer, StaticSlidingWindowLayer

log = logging.getLogger(__name__)

Step = Callable[[], Any]
Record = Callable[[Step], Step]
Place = tuple[str, ...]


def decode_with_graphs(model: PreTrainedModel) -> None:
    """From now on `model.generate` records its decoding step as a CUDA graph, where the model's cache allows it.

    trl, peft and this project all generate through that method of the base model, adapted or not.
    """
    vars(model)["generate"] = partial(_generate, model)


def decode_plainly(model: PreTrainedModel) -> None:
    """Undo `decode_with_graphs`."""
    vars(model).pop("generate", None)


def _generate(model: Any, *args: Any, **kwargs: Any) -> Any:
    plain: Callable[..., Any] = partial(type(model).generate, model)
    ids = kwargs.get("input_ids", args[0] if args else None)
    decoding: GenerationConfig | None = kwargs.get("generation_config")
    if ids is None or decoding is None or not decoding.max_new_tokens:
        return plain(*args, **kwargs)
    cache = fixed_cache(model, ids.shape[1] + decoding.max_new_tokens)
    if cache is None:
        return plain(*args, **kwargs)
    decoding = deepcopy(decoding)  # as given, but for what the cache settles
    decoding.cache_implementation, decoding.disable_compile = None, False
    step = GraphedStep(model.__call__, cuda_graph)
    # What transformers calls for each token of a static cache, on a GPU, in place of the model itself.
    vars(model)["get_compiled_call"] = lambda compile_config: step
    try:
        return plain(*args, **kwargs | {"generation_config": decoding, "past_key_values": cache})
    finally:
        vars(model).pop("get_compiled_call", None)


def fixed_cache(model: PreTrainedModel, length: int) -> StaticCache | None:
    """A static cache for so many tokens, or None where a graph could not serve it: state outside of tensors, as in
    recurrent layers, or a sliding window that is shorter, so that the step changes once the window is full."""
    cache = StaticCache(config=model.config.get_text_config(decoder=True), max_cache_len=length)
    kinds = (StaticLayer, StaticSlidingWindowLayer)  # and no kind made from these, which may hold more
    if all(type(layer) in kinds and getattr(layer, "max_cache_len", 0) >= length for layer in cache.layers):
        return cache
    log.info("%s: decoding without CUDA graphs: its cache of %d tokens has no fixed form", type(model).__name__, length)
    return None


def cuda_graph(step: Step) -> Step:
    """Record what a step launches; returns what replays it, which gives the same output tensors each time."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        output = step()

    def replay() -> Any:
        graph.replay()
        return output

    return replay


class GraphedStep:
    """A forward pass that is called again and again with inputs of the same shapes: recorded at the second call.

    The first one runs plainly, as the warm-up that a recording needs. Tensors among the inputs, also in dictionaries,
    are copied to where the recording reads them; all else is taken to stay as it is.
    """

    def __init__(self, forward: Callable[..., Any], record: Record) -> None:
        self.forward, self.record = forward, record
        self.shapes: dict[Place, Any] | None = None
        self.held: dict[Place, torch.Tensor] = {}
        self.replay: Step | None = None

    def __call__(self, **inputs: Any) -> Any:
        given = dict(_tensors(inputs))
        shapes = {place: (tensor.shape, tensor.dtype) for place, tensor in given.items()}
        if shapes != self.shapes:
            self.shapes, self.replay = shapes, None
            return self.forward(**inputs)
        if self.replay is None:
            self.held = {place: tensor.clone() for place, tensor in given.items()}
            self.replay = self.record(partial(self.forward, **_with(inputs, self.held)))
        else:
            for place, tensor in given.items():
                self.held[place].copy_(tensor)
            _count(inputs["past_key_values"])
        return self.replay()


def _count(cache: StaticCache) -> None:
    """What a layer with a window counts outside of the graph."""
    for layer in cache.layers:
        if isinstance(layer, StaticSlidingWindowLayer):
            layer.cumulative_length_int += 1


def _tensors(inputs: dict[str, Any]) -> Iterator[tuple[Place, torch.Tensor]]:
    for name, value in inputs.items():
        if isinstance(value, torch.Tensor):
            yield (name,), value
        elif isinstance(value, dict):
            yield from (((name, *place), tensor) for place, tensor in _tensors(value))


def _with(inputs: dict[str, Any], tensors: dict[Place, torch.Tensor]) -> dict[str, Any]:
    """The inputs with these tensors in their places."""
    replaced: dict[str, Any] = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, torch.Tensor):
            replaced[name] = tensors[(name,)]
        elif isinstance(value, dict):
            own = {place[1:]: tensor for place, tensor in tensors.items() if place[0] == name}
            replaced[name] = _with(value, own)
    return replaced

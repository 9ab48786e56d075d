"""The rewards of a job: its encoder and τ are inputs of its rule where similarity is one of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from semalign.config.data import Language
from semalign.encoder.model import embed, load_encoder
from semalign.rewards.builtin import Reward, build_rewards
from semalign.rewards.threshold import doubts
from semalign.runtime import distributed
from semalign.runtime.files import read_json
from semalign.runtime.progress import say


def load_rewards(
    names: Iterable[str], language: Mapping[str, Any], input: Any, device: str
) -> tuple[dict[str, Reward], float | None]:
    """The rewards of these names, and τ; warns first where the cold start behind τ is too weak for RL.

    `language`: what they read of the target language, as a rule's settings hold it. `input.encoder` and
    `input.threshold`: the encoder's folder and the file of τ, or nothing.
    """
    encoder = load_encoder(input.encoder, device) if input.encoder else None
    measured = read_json(input.threshold) if input.threshold else None
    for doubt in doubts(measured, str(input.threshold)) if measured and distributed.is_first() else ():
        say(doubt)
    tau: float | None = measured["tau"] if measured else None
    found = (lambda texts: embed(encoder, texts)) if encoder else None
    return build_rewards(list(names), Language.model_validate(language), found, tau), tau

"""The rewards of a job: its encoder and τ are inputs of its rule where similarity is one of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from semalign.config.data import Language
from semalign.encoder.model import embed, load_encoder
from semalign.rewards.builtin import Reward, build_rewards
from semalign.runtime.files import read_json


def load_rewards(
    names: Iterable[str], language: Mapping[str, Any], input: Any, device: str
) -> tuple[dict[str, Reward], float | None]:
    """The rewards of these names, and τ.

    `language`: what they read of the target language, as a rule's settings hold it. `input.encoder` and
    `input.threshold`: the encoder's folder and the file of τ, or nothing.
    """
    encoder = load_encoder(input.encoder, device) if input.encoder else None
    tau: float | None = read_json(input.threshold)["tau"] if input.threshold else None
    found = (lambda texts: embed(encoder, texts)) if encoder else None
    return build_rewards(list(names), Language.model_validate(language), found, tau), tau

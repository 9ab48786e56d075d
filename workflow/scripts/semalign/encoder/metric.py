"""A learned metric by any local sentence encoder, which need not be one of the config's.

metrics: [bleu, {name: labse, function: "semalign.encoder.metric:cosine", model: models/labse}]
"""

from pathlib import Path

from semalign.encoder.model import read_encoder, similarity
from semalign.runtime.device import checked_device


def cosine(outputs: list[str], references: list[str], sources: list[str], model: Path, device: str) -> list[float]:
    """Cosine (−1..1) of each output with its reference; 0 for a blank output. The folder's modules are checked."""
    checked_device(device)
    encoder = read_encoder(model).requires_grad_(False).eval().to(device)
    return [float(value) for value in similarity(encoder, outputs, references)]

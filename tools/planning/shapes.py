"""Which shapes a plan computes with: of the folders that are here, of the config's own models, or of known ones."""

from dataclasses import replace

from bench.floors import GEMMA3_270M, QWEN3_06B, QWEN3_4B, XLM_R_BASE, Shape
from semalign.config.downloads import FOLDER, HubDownload
from semalign.config.models import Shape as OwnShape
from semalign.preflight.root import Config
from semalign.runtime.files import read_json

LEXICON = 410  # entries of the miniature's; another lexicon's are not counted before it is made
KNOWN = {
    "Qwen/Qwen3-4B-Instruct-2507": QWEN3_4B,
    "Qwen/Qwen3-4B": QWEN3_4B,
    "Qwen/Qwen3-0.6B": QWEN3_06B,
    "google/gemma-3-270m": GEMMA3_270M,
}


def policy_shape(config: Config) -> tuple[Shape, str]:
    """The policy's shape and whose it is: its folder's, `pretraining`'s, or that of the repository to be fetched.

    A folder that is not here and that no known repository fills is taken for Qwen3-4B.
    """
    rank, folder = config.lora.rank, config.policy.path
    if folder is None:
        assert config.policy.pretraining is not None  # the config's own check
        made = config.policy.pretraining
        return _own(made.shape, made.tokenizer.vocab_size or LEXICON, rank), "policy.pretraining"
    if (folder / "config.json").is_file():
        told = read_json(folder / "config.json")
        read = Shape(
            layers=told["num_hidden_layers"],
            hidden=told["hidden_size"],
            intermediate=told["intermediate_size"],
            heads=told["num_attention_heads"],
            kv_heads=told["num_key_value_heads"],
            head_dim=told["head_dim"],
            vocabulary=told["vocab_size"],
            lora_rank=rank,
        )
        return read, f"{folder}/config.json"
    repo = _repository(config, str(folder))
    known, name = (KNOWN[repo], repo) if repo in KNOWN else (QWEN3_4B, f"not here, taken for Qwen3-4B's: {folder}")
    return replace(known, lora_rank=rank), name


def encoder_shape(config: Config) -> Shape:
    """The rewarding encoder's shape; a pretrained one is taken for XLM-R base."""
    shape = config.encoders.reward.shape
    return XLM_R_BASE if config.encoders.reward.path or shape is None else _own(shape, LEXICON, gated=False)


def _own(shape: OwnShape, vocabulary: int, rank: int = 0, gated: bool = True) -> Shape:
    head = shape.hidden_size // shape.heads
    sizes = (shape.layers, shape.hidden_size, shape.intermediate_size, shape.heads, shape.heads, head)
    return Shape(*sizes, vocabulary, rank, gated)


def _repository(config: Config, folder: str) -> str | None:
    """The hub's name of what is fetched into the folder."""
    fetched = config.downloads.get(folder.removeprefix(f"{FOLDER}/"))
    return fetched.repo if isinstance(fetched, HubDownload) else None

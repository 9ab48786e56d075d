"""Can the model in a folder be used? What its names, headers and JSON tell, without a model's library.

This runs before anything else does.
"""

from collections.abc import Iterator
from pathlib import Path

from semalign.encoder_modules import module_problems, transformer_folder
from semalign.errors import InputError
from semalign.files import read_json
from semalign.weight_files import weight_problems

POLICY, ENCODER = "policy", "encoder"


def model_problem(folder: Path, kind: str) -> str | None:
    """Why a folder's model cannot be the policy or an encoder; None where it can, as far as names and headers tell."""
    return next(_problems(folder, kind), None)


def _problems(folder: Path, kind: str) -> Iterator[str]:
    """What is wrong with a model's folder, the first thing first."""
    if not folder.is_dir():
        yield f"{folder} is a file; the folder of a pretrained model is needed"
        return
    if kind == ENCODER:
        yield from module_problems(folder)
        folder = transformer_folder(folder)
    if not (folder / "config.json").is_file():
        yield f"{folder} holds no config.json; the folder of a pretrained model is needed"
        return
    try:
        architectures = read_json(folder / "config.json").get("architectures") or []
    except (InputError, AttributeError) as error:
        yield f"{folder / 'config.json'} is no model's config: {error}"
        return
    if kind == POLICY and not any(name.endswith("ForCausalLM") for name in architectures):
        yield f"{folder} is no causal language model: its architecture is {', '.join(architectures) or 'not named'}"
    yield from weight_problems(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        yield f"{folder} holds no tokenizer (tokenizer.json); save the model's tokenizer there"
    elif kind == POLICY and not _has_chat_template(folder):
        yield f"{folder}: the tokenizer has no chat template; take an instruction-tuned model"


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(read_json(settings).get("chat_template"))

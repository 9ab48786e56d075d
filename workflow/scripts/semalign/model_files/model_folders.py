"""Whether the model in a folder can be used, by file names, headers and JSON alone, without a model's library.

This runs before anything else does.
"""

from collections.abc import Iterator
from pathlib import Path

from semalign.model_files.encoder_modules import module_problems, transformer_folder
from semalign.model_files.weight_files import weight_problems
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

POLICY, ENCODER = "policy", "encoder"
ADAPTER = "adapter_config.json"  # transformers loads what lies beside it into any model
# what a tokenizer's words stand in, in the formats that are read
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
)


def model_problem(folder: Path, kind: str, template: bool = False) -> str | None:
    """Why a folder's model cannot be the policy or an encoder; None where it can, as far as names and headers tell.

    template: the config has a chat template of its own, so that the folder needs none.
    """
    return next(_problems(folder, kind, template), None)


def _problems(folder: Path, kind: str, template: bool) -> Iterator[str]:
    """What is wrong with a model's folder, the first thing first."""
    if not folder.is_dir():
        yield f"{folder} is a file; the folder of a pretrained model is needed"
        return
    whole = (folder / "config.json").is_file() or (folder / "modules.json").is_file()
    if (folder / ADAPTER).is_file():
        merged = (
            "merge it into its base with peft's merge_and_unload and give the folder that save_pretrained then writes"
        )
        yield (
            f"{folder} holds a whole model and {ADAPTER}, whose adapter would be loaded into it; move {ADAPTER} and "
            f"adapter_model.safetensors out of the folder, or {merged}"
            if whole
            else f"{folder} holds an adapter and no whole model; {merged}, or give the base"
        )
        return
    if kind == ENCODER:
        yield from module_problems(folder)
        folder = transformer_folder(folder)
    if not (folder / "config.json").is_file():
        yield f"{folder} holds no config.json; the folder of a pretrained model is needed"
        return
    try:
        settings = read_json(folder / "config.json")
        architectures = settings.get("architectures") or []
        if not isinstance(architectures, list) or not all(isinstance(name, str) for name in architectures):
            raise InputError(f"architectures must be a list of names, found {architectures!r}")
    except (InputError, AttributeError, TypeError) as error:
        yield f"{folder / 'config.json'} is no model's config: {error}"
        return
    if kind == POLICY and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
        yield f"{folder} is no causal language model: its architecture is {', '.join(architectures) or 'not named'}"
    if settings.get("quantization_config"):
        yield f"{folder} holds quantised weights (quantization_config in config.json); take the model as it was before"
    yield from weight_problems(folder)
    if not any((folder / name).is_file() for name in VOCABULARIES):
        yield f"{folder} holds no tokenizer (tokenizer.json); save the model's tokenizer there"
        return
    try:
        if kind == POLICY and not template and not _has_chat_template(folder):
            remedy = "take an instruction-tuned model, or give a base model a template with policy.chat_template"
            yield f"{folder}: the tokenizer has no chat template; {remedy}"
    except (InputError, AttributeError) as error:
        yield f"{folder / 'tokenizer_config.json'} is no tokenizer's config: {error}; download it again"


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "additional_chat_templates").is_dir():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(read_json(settings).get("chat_template"))

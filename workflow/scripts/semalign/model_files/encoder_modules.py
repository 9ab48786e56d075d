"""The modules that a sentence-transformers folder names: the folder of each, and whether it can be used.

Read from JSON and headers alone, before anything runs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semalign.model_files.weight_files import AGAIN, weight_problems
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

MODULES, SETTINGS, TRANSFORMER = "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"
WEIGHTED = ("Dense", "LayerNorm", "WeightedLayerPooling")
KNOWN = ("Transformer", "Pooling", "Normalize", "Dropout", *WEIGHTED)
DENSE = {
    *("in_features", "out_features", "bias", "activation_function"),
    *("module_input_name", "module_output_name", "use_residual"),
}


def modules_of(folder: Path) -> list[tuple[str, Path]]:
    """(class, folder) of each module, the transformer first; of a folder without modules.json, none.

    Raises InputError for what cannot be used, or what modules.json does not say as sentence-transformers does.
    """
    file = folder / MODULES
    if not file.is_file():
        return []
    entries = read_json(file)
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise InputError(f"{file}: a list of objects with name, type and path is needed; {AGAIN}")
    modules = []
    for entry in entries:
        package, _, name = entry["type"].rpartition(".")
        if package.split(".")[0] != "sentence_transformers":
            raise InputError(
                f"{file}: {entry['type']} is code of the model's own, which is not run; take another encoder"
            )
        if name not in KNOWN:
            raise InputError(
                f"{file}: a module of class {name} cannot be used; of {', '.join(KNOWN)} an encoder may be made"
            )
        place = folder / entry["path"]
        if not place.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{file}: {entry['path']} lies outside of the folder; {AGAIN}")
        modules.append((name, place))
    names = [name for name, _ in modules]
    if names[:1] != ["Transformer"] or names.count("Transformer") > 1 or names.count("Pooling") != 1:
        raise InputError(
            f"{file}: one Transformer first and one Pooling are needed, found {', '.join(names) or 'none'}"
        )
    return modules


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("name", "type", "path"))


def transformer_folder(folder: Path) -> Path:
    """Where the config, weights and tokenizer of an encoder's transformer lie: its own folder, or a module's."""
    modules = modules_of(folder)
    return modules[0][1] if modules else folder


def module_problems(folder: Path) -> Iterator[str]:
    """What is wrong with what an encoder has beside its transformer's config and weights, the first thing first."""
    try:
        modules = modules_of(folder)
        yield from _settings_problems(folder / SETTINGS)
        for name, place in modules:
            if (place / "adapter_config.json").is_file():
                yield f"{place} holds an adapter (adapter_config.json); merge it into its base, and name that folder"
            if name == "Transformer":
                yield from _transformer_problems(place / TRANSFORMER)
            if name == "Dense":
                yield from _dense_problems(place / "config.json")
            if name in WEIGHTED:
                yield from weight_problems(place)
    except InputError as error:
        yield str(error)


def _settings_problems(file: Path) -> Iterator[str]:
    settings = _mapping(file)
    kind = settings.get("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        yield f"{file}: a {kind} is no sentence encoder, which has one vector for a text; take another model"
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        yield f"{file}: prompts must be a mapping from names to texts"
    elif default is not None and default not in prompts:
        yield f"{file}: default_prompt_name {default!r} is none of prompts: {', '.join(prompts) or 'there are none'}"


def _transformer_problems(file: Path) -> Iterator[str]:
    settings = _mapping(file)
    task = settings.get("transformer_task", "feature-extraction")
    if task != "feature-extraction":
        yield f"{file}: transformer_task {task} makes no embeddings of tokens; take another model"
    limit = settings.get("max_seq_length")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        yield f"{file}: max_seq_length {limit!r} must be a whole number from 1 on, or null"


def _dense_problems(file: Path) -> Iterator[str]:
    settings = _mapping(file)
    if unknown := sorted(settings.keys() - DENSE):
        yield f"{file}: {', '.join(unknown)} is nothing that a Dense has here; take another encoder"
    activation = settings.get("activation_function", "torch.nn.modules.activation.Tanh")
    if not str(activation).startswith("torch.nn."):
        yield f"{file}: activation_function {activation} is none of torch's, and other code is not run; take another"


def _mapping(file: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where there is none."""
    settings = read_json(file) if file.is_file() else {}
    if not isinstance(settings, dict):
        raise InputError(f"{file}: an object is needed, found {type(settings).__name__}; {AGAIN}")
    return settings

"""Models that were trained elsewhere: whether they can be measured, and how what is measured is loaded.

An adapter of peft's own says nothing of its base but a name, so that shapes, modules and vocabulary are compared.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from semalign.model_files.adapter_folders import MERGE, modules
from semalign.model_files.model_folders import VOCABULARIES
from semalign.model_files.weight_files import shapes, some
from semalign.model_files.weights import UNREADABLE, check_stored
from semalign.policy.models import ADAPTER, BASE_DIGEST, digest, load_adapter, load_policy
from semalign.policy.policy_checks import skeleton
from semalign.policy.policy_tokenizer import opened
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_json

log = logging.getLogger(__name__)

_UNUSABLE: tuple[type[Exception], ...] = (*UNREADABLE, InputError, StopIteration)


def load_measured(
    base: str | Path, adapter: str | Path | None, policy: Mapping[str, Any], given: str | None = None
) -> tuple[Any, PreTrainedTokenizerBase]:
    """What a run measures, in evaluation mode, with the tokenizer: the model in a folder, with an adapter or without.

    policy: the options of `load_policy`. given: the config key of an adapter that was trained elsewhere.
    """
    model, tokenizer = load_policy(base, **policy)
    if not adapter:
        return model, tokenizer
    if given is None:
        return load_adapter(model, adapter, trainable=False), tokenizer
    return load_given_adapter(model, Path(adapter), given), tokenizer


def load_given_adapter(model: PreTrainedModel, folder: Path, key: str) -> PeftModel:
    """An adapter that was trained elsewhere, on the base, unmerged.

    Raises InputError, naming the config key, where its tensors are not those of the base's adapted modules, are not
    finite, or where it records the digest of another base.
    """
    try:
        adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=False)
        check_stored(get_peft_model_state_dict(adapted), folder / ADAPTER)
    except _UNUSABLE as error:
        raise InputError(f"config key {key}: {folder} is no adapter of this base ({str(error)[:500]})") from error
    recorded = folder / BASE_DIGEST
    if recorded.is_file() and digest(adapted, adapter=False) != read_json(recorded)["sha256"]:
        raise InputError(
            f"config key {key}: {folder} was trained on another base, or on this one in another precision "
            f"({BASE_DIGEST}); name that base as policy.path, in its policy.dtype"
        )
    return adapted.eval()


def adapter_checks(folder: Path, base: Path, chat_template: str | None) -> list[Row]:
    """{"check", "found", "problem"} of each check of an adapter beside its base; as `policy_checks`."""
    checks = {
        "modules and shapes": lambda: _shapes(folder, base),
        "vocabulary": lambda: _vocabulary(folder, base, chat_template),
    }
    rows: list[Row] = []
    for check, look in checks.items():
        try:
            rows.append({"check": check, "found": look(), "problem": None})
        except InputError as error:
            rows.append({"check": check, "found": None, "problem": str(error)})
    return rows


def _shapes(folder: Path, base: Path) -> str:
    """peft lays the adapter's config on the base's modules, without weights: the tensors must be those of the file."""
    settings = read_json(folder / "adapter_config.json")
    named = settings.get("base_model_name_or_path")
    remedy = f"it names its base {named!r}: set policy.path to that model, or {MERGE}"
    found = shapes(folder / ADAPTER)
    try:
        lora = LoraConfig.from_pretrained(str(folder))
        laid = get_peft_model_state_dict(get_peft_model(skeleton(base), lora))
    except _UNUSABLE as error:
        raise InputError(f"it cannot be laid on {base} ({str(error)[:300]}); {remedy}") from error
    needed = {name: tuple(tensor.shape) for name, tensor in laid.items()}
    if foreign := found.keys() - needed.keys():
        raise InputError(
            f"it adapts {some(modules({name: found[name] for name in foreign}))}, which {base} has not; {remedy}"
        )
    if missing := needed.keys() - found.keys():
        raise InputError(f"it lacks {some(missing)}, which its own config asks for on {base}; {remedy}")
    wrong = [f"{name} of shape {found[name]} for {needed[name]}" for name in found if found[name] != needed[name]]
    if wrong:
        raise InputError(f"{some(wrong)} of {base}; {remedy}")
    return f"{len(modules(found))} modules of {base}, all of their shape"


def _vocabulary(folder: Path, base: Path, chat_template: str | None) -> str:
    """The adapter's own tokenizer, where its folder has one, must be the base's."""
    if not any((folder / name).is_file() for name in VOCABULARIES):
        return "the folder has no tokenizer: the base's is used"
    own, theirs = opened(folder, chat_template)[0], opened(base, chat_template)[0]
    if problem := other_vocabulary(own, theirs):
        raise InputError(f"its tokenizer is not that of {base}: {problem}; {MERGE}")
    differs = own.chat_template != theirs.chat_template
    return "that of the base" + ("; its chat template differs, and the base's is used" if differs else "")


def other_vocabulary(one: Any, other: Any) -> str | None:
    """How the vocabularies of two tokenizers differ, in words; None where they do not."""
    mine, yours = one.get_vocab(), other.get_vocab()
    differing = {token for token in mine.keys() | yours.keys() if mine.get(token) != yours.get(token)}
    if not differing:
        return None
    return f"{len(mine)} tokens and {len(yours)}, of which {len(differing)} are not in both at the same number"


def without_kl(model: Any, tokenizer: Any, base: Any, of_base: Any) -> str | None:
    """Why a whole model has no token KL to the base; None where both predict the same tokens."""
    if problem := other_vocabulary(tokenizer, of_base):
        return f"KL needs a common vocabulary, and the base's is another: {problem}"
    mine, yours = (each.get_output_embeddings().weight.shape[0] for each in (model, base))
    if mine != yours:
        return f"KL needs distributions over the same tokens: the model predicts {mine} rows and the base {yours}"
    return None

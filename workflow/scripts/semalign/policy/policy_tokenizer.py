"""Loading a policy's tokenizer, and the tokens that end its answers."""

import logging
from pathlib import Path
from typing import Any

from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from semalign.policy.chat_template import settle, turn_end
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

log = logging.getLogger(__name__)

SCRIPTS = "A7 西藏 བོད་ཡིག"  # a tokenizer of another class loads, and fails at the first word that it does not know
GENERATION = "generation_config.json"
ENDS = "eos_token_id"
# of the model's folder: token ids, and what says nothing about decoding
_KEPT = {ENDS, "pad_token_id", "bos_token_id", "transformers_version", "_from_model_config", "use_cache"}
_DECODING = {
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "do_sample", "num_beams"),
    *("num_beam_groups", "diversity_penalty", "length_penalty", "repetition_penalty", "no_repeat_ngram_size"),
    *("encoder_no_repeat_ngram_size", "bad_words_ids", "max_length", "min_length", "max_new_tokens", "suppress_tokens"),
    *("begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id", "early_stopping", "stop_strings"),
    *("exponential_decay_length_penalty", "num_return_sequences", "remove_invalid_values", "cache_implementation"),
}


def load_tokenizer(folder: str | Path, chat_template: str | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer of `opened`; what was changed is logged."""
    try:
        tokenizer, notes = opened(folder, chat_template)
    except InputError as error:
        raise InputError(f"policy.path: {error}") from error
    for note in notes:
        log.info("%s: %s", folder, note)
    return tokenizer


def opened(folder: str | Path, chat_template: str | None = None) -> tuple[PreTrainedTokenizerBase, list[str]]:
    """The tokenizer in a folder, padding on the left, with a settled chat template, an end and a pad token; and what
    was changed, a sentence each. A given `chat_template` takes the place of the folder's.

    Where the folder names no end token, the end of the assistant's turn is it; where it names no pad token, the end
    token pads, which no mask is made from. Raises InputError where it cannot be loaded or used.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, padding_side="left", local_files_only=True, trust_remote_code=False
        )
        tokenizer(SCRIPTS)
    except Exception as error:  # the Rust library and the parsers of a dozen formats have no class of error in common
        raise InputError(
            f"{folder}: the tokenizer cannot be loaded ({str(error).strip()[:300]}); load it elsewhere and save it "
            "as tokenizer.json with save_pretrained"
        ) from error
    # what a folder may switch on: answers are read as they were written, and a template's control tokens are tokens
    tokenizer.clean_up_tokenization_spaces = tokenizer.split_special_tokens = False
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # a language model takes no token types
    if not tokenizer.is_fast:
        raise InputError(f"{folder}: the tokenizer has no tokenizer.json and cannot be converted; save it as one")
    own = [] if chat_template is None else ["the chat template is that of policy.chat_template"]
    if chat_template is not None:
        tokenizer.chat_template = chat_template
    try:
        notes = own + settle(tokenizer)
        end = tokenizer.added_tokens_decoder[turn_end(tokenizer)]
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    if not end.special:  # else it would stay in decoded answers
        tokenizer.add_tokens([AddedToken(end.content, special=True, normalized=False)], special_tokens=True)
    if tokenizer.eos_token is None:
        tokenizer.eos_token = end.content
        notes.append(f"the tokenizer names no end token: {end.content}, which ends a turn, is it")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        notes.append(
            f"the tokenizer names no pad token: {tokenizer.eos_token} pads, and is learnt where it ends a text"
        )
    return tokenizer, notes


def end_tokens(folder: str | Path, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer, in order: the end of a turn, the tokenizer's end of text, and those of the model's
    settings that are control tokens."""
    own = {token for settings in _settings(folder) for token in _ids(settings.get(ENDS))}
    return sorted({turn_end(tokenizer), int(tokenizer.eos_token_id), *(own & tokenizer.added_tokens_decoder.keys())})


def set_aside(folder: str | Path, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What the model's folder says about decoding and no answer obeys, by its key."""
    of_generation, of_model = _settings(folder)
    brought = {key: value for key, value in of_model.items() if key in _DECODING}
    brought |= {key: value for key, value in of_generation.items() if key not in _KEPT}
    found = {key: value for key, value in brought.items() if value is not None and value is not False}
    ordinary = {i for settings in (of_generation, of_model) for i in _ids(settings.get(ENDS))}
    ordinary -= tokenizer.added_tokens_decoder.keys()
    return found | ({ENDS: sorted(ordinary)} if ordinary else {})


def _settings(folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of generation_config.json and config.json; empty where a file is not there."""
    paths = (Path(folder) / GENERATION, Path(folder) / "config.json")
    found = [read_json(path) if path.is_file() else {} for path in paths]
    for path, settings in zip(paths, found, strict=True):
        if not isinstance(settings, dict):
            raise InputError(f"{path}: a JSON object is needed, found {type(settings).__name__}")
    return found[0], found[1]


def _ids(value: Any) -> list[int]:
    """One id, several or none, as the libraries write them."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]

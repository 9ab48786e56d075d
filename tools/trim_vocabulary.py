"""Make a smaller copy of a policy: of its vocabulary only what the texts of a config use.

    python -m tools.trim_vocabulary results/downloads/gemma-3-270m config/bodo.yaml config/bodo_small.yaml

The last config's `policy.path` says where the copy goes. Every text that the config trains on or measures, prompts and
templates included, has the same tokens as before, and over the rows that are left the same logits: both are compared,
and the copy is not kept where they differ. Another text falls back to smaller pieces. `--texts FILE` names further
text whose tokens are to be kept, a text a line.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

import torch  # noqa: E402
from tokenizers.pre_tokenizers import ByteLevel  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from semalign.data.benchmarks import LAYOUT, read_all_choices, read_all_texts  # noqa: E402
from semalign.data.sources import read_all_pairs, read_all_questions, read_documents  # noqa: E402
from semalign.model_files.weights import SAFE  # noqa: E402
from semalign.policy.policy_tokenizer import opened  # noqa: E402
from semalign.preflight.root import Config, validate  # noqa: E402
from semalign.runtime.errors import InputError  # noqa: E402
from semalign.runtime.files import read_json, read_lines, replacing_folder, write_json  # noqa: E402
from semalign.text.matching import cleaned  # noqa: E402
from semalign.text.prompts import conversation_ids, fill  # noqa: E402
from tools.planning.dag import merged  # noqa: E402

COMPARED = 8  # texts whose logits are compared
TOLERANCE = {torch.float32: 1e-4}  # the largest difference of two logits
ROUNDED = 0.1  # the same where weights have fewer digits
COPIED = ("chat_template.jinja", "special_tokens_map.json")


@dataclass
class Texts:
    """What a policy reads: conversations of a user's turn and an answer, and texts that stand alone."""

    turns: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def ids(self, tokenizer: Any) -> list[list[int]]:
        """The tokens of each, as training and measuring have them."""
        found: list[list[int]] = []
        if self.turns:
            found += conversation_ids(tokenizer, *map(list, zip(*self.turns, strict=True)))
        if self.plain:
            how: dict[str, Any] = {"add_special_tokens": False, "split_special_tokens": True}
            found += tokenizer(self.plain, **how)["input_ids"]
        return found


def main(arguments: list[str]) -> None:
    options = _options().parse_args(arguments)
    try:
        config = validate(merged(options.config))
        if config.policy.path is None:
            raise InputError("config key policy.path: names no folder for the smaller copy; set it in the last config")
        template = config.policy.chat_template
        texts = texts_of(config)
        texts.plain += [line for file in options.texts for _, line in read_lines(file) if line.strip()]
        given = template.read_text(encoding="utf-8") if template else None
        print(trim(options.base, config.policy.path, texts, given))
    except (InputError, OSError) as error:
        sys.exit(f"trim_vocabulary: {error}")


def texts_of(config: Config) -> Texts:
    """All texts of the config's tasks, benchmarks and replayed texts, as the policy is shown them."""
    found = Texts()
    for name, task in config.tasks.items():
        for part in ("train", "test"):
            for row in read_all_pairs(getattr(task, part), f"tasks.{name}.{part}"):
                if "left_out" not in row:
                    found.turns.append((fill(task.prompt, source=cleaned(row["source"])), cleaned(row["target"])))
    for name, entry in config.retention.benchmarks.items():
        key = f"retention.benchmarks.{name}"
        shots = getattr(entry, "shots", None)
        for sources, place in ((getattr(entry, "test", []), "test"), (shots.source if shots else [], "shots.source")):
            _add_benchmark(found, entry, sources, f"{key}.{place}")
    for method in config.methods().values():
        for item in getattr(method, "texts", []):
            found.plain += [text for row in read_documents(item) for text in row.values() if isinstance(text, str)]
    return found


def _add_benchmark(found: Texts, entry: Any, sources: Sequence[Any], key: str) -> None:
    if entry.kind == "extractive":
        for row in read_all_questions(sources, key, unanswerable=True):
            asked = fill(entry.prompt, context=row["context"], question=row["question"])
            found.turns += [(asked, answer) for answer in row["answers"]]
            found.plain.append(row["context"])
    elif entry.kind == "multiple_choice":
        for row in read_all_choices(sources, {name: getattr(entry, name) for name in LAYOUT}, key):
            for choice in row["choices"]:
                found.turns.append((row["context"], entry.delimiter + choice))
                found.plain.append(row["context"] + entry.delimiter + choice)
    elif entry.kind == "perplexity":
        found.plain += [row["text"] for row in read_all_texts(sources, key)]


def trim(base: Path, output: Path, texts: Texts, template: str | None = None) -> str:
    """Write the smaller copy of `base` to `output`, and say what it saves.

    template: in place of the folder's own chat template. Raises InputError where the folder has another kind of
    tokenizer than BPE, where `output` is there, and where the copy would read the texts otherwise.
    """
    if output.exists():
        raise InputError(f"{output}: is there already; delete it to have it made again")
    tokenizer, _ = opened(base, template)
    ids = texts.ids(tokenizer)
    if not ids:
        raise InputError("no text is given whose tokens are to be kept")
    content = read_json(base / "tokenizer.json")
    if content["model"]["type"] != "BPE":
        raise InputError(f"{base}: its tokenizer is {content['model']['type']}; only a BPE tokenizer can be trimmed")
    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto", **SAFE).eval()
    used = {token for row in ids for token in row} | _named(base, tokenizer, model)
    old = kept_ids(content, used)
    samples = sorted(ids, key=lambda row: (-len(row), row))[:: max(1, len(ids) // COMPARED)][:COMPARED]
    before = [_logits(model, row)[..., old] for row in samples]
    rows, parameters = model.get_input_embeddings().weight.shape[0], model.num_parameters()
    new = {token: place for place, token in enumerate(old)}
    with replacing_folder(output) as folder:
        _shrink(model, old, new)
        model.save_pretrained(folder, safe_serialization=True)
        write_json(folder / "tokenizer.json", trimmed_tokenizer(content, new))
        _copy_settings(base, folder)
        again, _ = opened(folder, template)
        differ = sum([new[i] for i in one] != two for one, two in zip(ids, texts.ids(again), strict=True))
        if differ:
            raise InputError(f"{base}: {differ} of {len(ids)} texts would have other tokens; it cannot be trimmed")
        largest = _difference(folder, [[new[i] for i in row] for row in samples], before)
        write_json(
            folder / "trimmed.json",
            {"base": str(base), "rows": [rows, len(old)], "texts": len(ids), "largest_difference": largest},
        )
    smaller = model.num_parameters()
    return (
        f"{output}: {rows} -> {len(old)} rows, {parameters / 1e6:.0f}M -> {smaller / 1e6:.0f}M parameters; {len(ids)} "
        f"texts have the tokens that they had; largest difference of a logit {largest:.1e}"
    )


def kept_ids(content: dict[str, Any], used: set[int]) -> list[int]:
    """Ids of the tokens that stay, sorted: those used, all pieces that merge into one of them, and what any text can
    fall back to, bytes and ASCII. `content` is a tokenizer.json of BPE."""
    vocab: dict[str, int] = content["model"]["vocab"]
    added = {token["id"] for token in content["added_tokens"]}
    names = {place: token for token, place in vocab.items()}
    letters = {*ByteLevel.alphabet(), *map(chr, range(32, 127))}
    keep = {names[i] for i in used if i in names}
    keep |= {token for token in vocab if token in letters or (token.startswith("<0x") and len(token) == 6)}
    unknown = content["model"].get("unk_token")
    keep |= {unknown} & vocab.keys()
    pieces: dict[str, list[tuple[str, str]]] = {}
    for left, right in map(_pair, content["model"]["merges"]):
        pieces.setdefault(left + right, []).append((left, right))
    waiting = list(keep)
    while waiting:
        for pair in pieces.get(waiting.pop(), ()):
            waiting += set(pair) - keep
            keep |= set(pair)
    return sorted({vocab[token] for token in keep} | (used & added))


def trimmed_tokenizer(content: dict[str, Any], new: dict[int, int]) -> dict[str, Any]:
    """The tokenizer.json with the ids of `new` (before: now) alone, renumbered."""
    model = content["model"]
    vocab = {token: new[i] for token, i in sorted(model["vocab"].items(), key=lambda item: item[1]) if i in new}
    merges = [m for m in model["merges"] if {*_pair(m), "".join(_pair(m))} <= vocab.keys()]
    added = [token | {"id": new[token["id"]]} for token in content["added_tokens"] if token["id"] in new]
    return content | {
        "model": model | {"vocab": vocab, "merges": merges},
        "added_tokens": added,
        "post_processor": _renumbered(content.get("post_processor"), new),
    }


def _pair(merge: Any) -> tuple[str, str]:
    left, right = merge if isinstance(merge, list) else merge.split(" ")
    return left, right


def _renumbered(part: Any, new: dict[int, int]) -> Any:
    """A post-processor's settings with new ids: lists under `ids`, and pairs of a token and its id."""
    if isinstance(part, dict):
        return {
            key: [new[i] for i in value] if key == "ids" else _renumbered(value, new) for key, value in part.items()
        }
    if isinstance(part, list):
        pair = len(part) == 2 and isinstance(part[0], str) and type(part[1]) is int
        return [part[0], new[part[1]]] if pair else [_renumbered(one, new) for one in part]
    return part


def _named(base: Path, tokenizer: Any, model: Any) -> set[int]:
    """Ids of the control tokens that settings and the chat template name."""
    named = {*_strings(read_json(base / "tokenizer_config.json")), *_strings(dict(tokenizer.special_tokens_map))}
    template = tokenizer.get_chat_template()
    found = {i for token, i in tokenizer.get_added_vocab().items() if token in named or token in template}
    for settings in (model.config, model.config.get_text_config(), model.generation_config):
        for key in ("bos_token_id", "eos_token_id", "pad_token_id"):
            value = getattr(settings, key, None)
            found |= set(value if isinstance(value, list) else [] if value is None else [value])
    return found


def _strings(value: Any) -> Iterator[str]:
    """Every text in settings but those of the list of added tokens, which names all."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key != "added_tokens_decoder":
                yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _shrink(model: Any, old: list[int], new: dict[int, int]) -> None:
    """In place: the rows of input and output embeddings, and the ids in the settings."""
    tables = [model.get_input_embeddings().weight.data[old].clone()]
    head = model.get_output_embeddings()
    tables.append(head.weight.data[old].clone())
    bias = None if getattr(head, "bias", None) is None else head.bias.data[old].clone()
    model.resize_token_embeddings(len(old))
    model.get_input_embeddings().weight.data.copy_(tables[0])
    model.get_output_embeddings().weight.data.copy_(tables[1])
    if bias is not None:
        model.get_output_embeddings().bias.data.copy_(bias)
    for settings in (model.config, model.config.get_text_config(), model.generation_config):
        for key, value in list(vars(settings).items()):
            if not key.endswith("_token_id") or value is None:
                continue
            setattr(settings, key, [new[i] for i in value if i in new] if isinstance(value, list) else new.get(value))


def _copy_settings(base: Path, folder: Path) -> None:
    """The tokenizer's settings without the list of added tokens, whose ids are others now."""
    settings = read_json(base / "tokenizer_config.json")
    settings.pop("added_tokens_decoder", None)
    write_json(folder / "tokenizer_config.json", settings)
    for name in COPIED:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


@torch.inference_mode()
def _logits(model: Any, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids[:256]])).logits[0].float()


def _difference(folder: Path, samples: list[list[int]], before: list[torch.Tensor]) -> float:
    """The largest difference of a logit between the copy in `folder` and those of `before`."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", **SAFE).eval()
    pairs = [(_logits(model, row), one) for row, one in zip(samples, before, strict=True)]
    largest = max(float((one - other).abs().max()) for one, other in pairs)
    if largest > TOLERANCE.get(model.dtype, ROUNDED):
        raise InputError(f"{folder}: the smaller copy has other logits, by {largest:.1e}; the model cannot be trimmed")
    return largest


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="folder of the whole policy")
    parser.add_argument("config", type=Path, nargs="+", help="configs, each laid over the one before")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="files of further text, a text a line")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    main(sys.argv[1:])

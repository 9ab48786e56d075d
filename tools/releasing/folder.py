"""The files of a release. The same run gives the same bytes."""

import json
import shutil
from pathlib import Path
from typing import Any

from semalign.data.shots import examples
from semalign.policy.models import ADAPTER, ADAPTER_CONFIG, BASE_DIGEST
from semalign.policy.policy_tokenizer import end_tokens, load_tokenizer, opened
from semalign.runtime.files import FOLDER_MARK, read_json, read_jsonl, replacing_folder, sha256, write_json
from semalign.text.prompts import TEMPLATE_KWARGS
from tools.releasing.expected import training_texts
from tools.releasing.finished import Base, Run, example

RELEASES = Path("results/release")
SETTINGS = "semalign.json"  # how the model is asked, for tools/translate.py and tools/try_model.py
CHECKSUMS = "SHA256SUMS"
OWN_BASE, MERGED = "base", "merged"
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
)
_OF_THIS_MACHINE = ("is_local", "local_files_only", "name_or_path", "cache_dir")


def write_release(run: Run, base: Base, card: str, settings: dict[str, Any], merged: bool) -> Path:
    """Write the folder of a release, whole or not at all; returns where it lies."""
    target = RELEASES / run.name
    with replacing_folder(target) as folder:
        _write_adapter(run, base, folder)
        write_tokenizer(base.folder, folder, _template(run))
        write_json(folder / SETTINGS, settings)
        (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")
        if base.repo is None:
            _write_base(base.folder, folder / OWN_BASE)
        if merged:
            precisions = str(settings["dtype"]), str(settings["trained_in"])
            write_merged(base.folder, run.folder / "adapter", *precisions, folder / MERGED, _template(run))
        (folder / CHECKSUMS).write_text(checksums(folder), encoding="utf-8")
    return target


def settings_of(run: Run, base: Base) -> dict[str, Any]:
    """How the model was asked when it was measured, and what its training texts were like."""
    template = _template(run)
    tokenizer = load_tokenizer(base.folder, template)
    task, policy = run.of_task(run.task), run.answering["settings"]["policy"]
    return {
        "run": run.name,
        "source_language": task.source_language,
        "target_language": task.target_language,
        "prompt": _shots(run) + run.prompt,
        "template_arguments": TEMPLATE_KWARGS,
        "chat_template": template,
        "max_new_tokens": run.max_new_tokens,
        "stop": run.answering["settings"]["tasks"][run.task].get("stop", []),
        "batch_size": run.answering["settings"]["batch_size"],
        "end_tokens": end_tokens(base.folder, tokenizer),
        "dtype": policy["dtype"],
        "trained_in": policy.get("quantization") or policy["dtype"],
        "base": {"folder": OWN_BASE} if base.repo is None else {"repo": base.repo, "revision": base.revision},
        "example": example(run)[0],
        "generated_world": any(record["rule"] == "generate_world" for record in run.jobs),
    } | training_texts(run, tokenizer)


def _shots(run: Run) -> str:
    """The examples that stood before each prompt of the test set; empty where there were none."""
    file = f"results/data/{run.task}/shots.jsonl"
    if file not in run.answering["inputs"]:
        return ""
    task = run.answering["settings"]["tasks"][run.task]
    return examples(run.prompt, list(read_jsonl(file)), **task["shots"])


def _template(run: Run) -> str | None:
    """The user's chat template with which the model was asked; None where the base has its own."""
    return run.answering["settings"]["policy"].get("chat_template")


def checksums(folder: Path) -> str:
    """Lines as sha256sum writes and checks them, of every file but theirs."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def write_tokenizer(source: Path, folder: Path, template: str | None = None) -> None:
    """The tokenizer's files without what one machine has noted, and the chat template that the model was asked with."""
    for name in TOKENIZER:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    tokenizer, changed = opened(source, template)
    if changed:
        (folder / "chat_template.jinja").write_text(str(tokenizer.chat_template), encoding="utf-8", newline="\n")
    settings = read_json(folder / "tokenizer_config.json")
    write_json(folder / "tokenizer_config.json", {k: v for k, v in settings.items() if k not in _OF_THIS_MACHINE})


def write_merged(
    base: Path, adapter: Path, dtype: str, trained_in: str, folder: Path, template: str | None = None
) -> None:
    """The whole model with the adapter added to its weights in float32, and only then rounded to `dtype`.

    They are the folder's weights, whatever precision the adapter was trained in, 4 bits too.
    """
    import torch

    from semalign.model_files.weights import check_finite
    from semalign.policy.models import load_adapter, load_policy

    model, _ = load_policy(base, "float32", "cpu", chat_template=template)
    adapted: Any = load_adapter(model, adapter, trainable=False, trained_in=trained_in)
    whole: Any = adapted.merge_and_unload().to(getattr(torch, dtype))
    check_finite(whole, f"{base} merged with {adapter}", "release the adapter alone, without --merged")
    whole.save_pretrained(str(folder), safe_serialization=True)
    write_tokenizer(base, folder, template)


def _write_adapter(run: Run, base: Base, folder: Path) -> None:
    source = run.folder / "adapter"
    for name in (ADAPTER, BASE_DIGEST):
        shutil.copyfile(source / name, folder / name)
    place = {"base_model_name_or_path": base.repo or OWN_BASE, "revision": base.revision}
    config = read_json(source / ADAPTER_CONFIG) | place
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / ADAPTER_CONFIG).write_text(text + "\n", encoding="utf-8")


def _write_base(source: Path, folder: Path) -> None:
    """The base whole: config, weights, tokenizer."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != FOLDER_MARK:
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_tokenizer(source, folder)

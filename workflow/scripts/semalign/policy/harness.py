"""A model measured by EleutherAI's lm-evaluation-harness: its tasks, prompts and metrics, on local data alone."""

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace


def measure(
    model: Any, tokenizer: Any, entry: dict[str, Any], workspace: Workspace
) -> tuple[dict[str, Any], list[Row]]:
    """The metric of a task with n, versions and hashes, and its values by item.

    entry: the benchmark's settings. Requests that an earlier run left in the workspace are not made again. Raises
    InputError for a task or a metric that the harness does not have, and for a metric without values by item.
    """
    os.environ.setdefault("HF_DATASETS_CACHE", str(workspace.folder / "datasets"))  # read as datasets is imported
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    asked = _task(entry)
    harness: Any = HFLM(
        pretrained=model, tokenizer=tokenizer, batch_size=entry["batch_size"], add_bos_token=entry["add_bos_token"]
    )
    try:
        found: Any = lm_eval.simple_evaluate(
            model=harness,
            tasks=[asked],
            num_fewshot=entry["num_fewshot"],
            limit=entry["limit"],
            apply_chat_template=entry["chat_template"],
            fewshot_random_seed=entry["seed"],
            use_cache=str(workspace.folder / "requests"),
            bootstrap_iters=0,
            log_samples=True,
            confirm_run_unsafe_code=False,
        )
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{entry['task'] or entry['file']}: the harness cannot run the task: {error}") from error
    names = list(found["samples"])
    if len(names) != 1:
        raise InputError(f"{entry['task']}: is a group of tasks ({', '.join(names)}); name one of them")
    return _figures(found, names[0], entry, str(lm_eval.__version__))


def _task(entry: dict[str, Any]) -> Any:
    """The name of a task, or the settings in its file, those without functions of their own."""
    if entry["file"] is None:
        return entry["task"]
    try:
        settings = yaml.safe_load(Path(entry["file"]).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(
            f"{entry['file']}: no task of plain YAML ({error}); functions (!function) are not run"
        ) from error
    if not isinstance(settings, dict) or not isinstance(settings.get("task"), str):
        raise InputError(f"{entry['file']}: a mapping with `task`, the task's name, is needed")
    return settings


def _hash(samples: list[Row]) -> str:
    """Of what was asked and wanted: the harness' own hashes of each item, its prompt and its answer, joined."""
    hashes = [str(row.get(name, "")) for row in samples for name in ("doc_hash", "prompt_hash", "target_hash")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _figures(found: Any, task: str, entry: dict[str, Any], version: str) -> tuple[dict[str, Any], list[Row]]:
    results, key = found["results"][task], f"{entry['metric']},{entry['filter']}"
    if key not in results:
        known = sorted(name for name in results if "," in name and "_stderr" not in name)
        raise InputError(f"{task}: has no metric {key!r} (metric, filter); it has {', '.join(known)}")
    measure = "loss" if entry["lower_is_better"] else "score"
    samples = [row for row in found["samples"][task] if row.get("filter", entry["filter"]) == entry["filter"]]
    values = [row.get(entry["metric"]) for row in samples]
    if not values or not all(isinstance(value, int | float) for value in values):
        raise InputError(f"{task}: {entry['metric']} has no value for each item; choose a metric that is their mean")
    items = [
        {"id": str(row["doc_id"]), "group": str(row["doc_id"]), measure: float(value)}
        for row, value in zip(samples, values, strict=True)
    ]
    scores = {
        measure: float(results[key]),
        "metric": key,
        "n": len(items),
        "task": task,
        "task_version": found["versions"].get(task),
        "task_hash": _hash(samples),
        "lm_eval": version,
        "signature": f"lm_eval:{version}|{task}|{key}|fewshot:{found['n-shot'].get(task)}",
    }
    return scores, items

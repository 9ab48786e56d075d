"""The model card: metadata as the hub reads them, and `card.md` filled with what a reader must know."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from semalign.config.downloads import FOLDER, HubDownload
from semalign.runtime.files import Row, read_json
from semalign.tables.tables import markdown_line
from tools.releasing.finished import Base, Run
from tools.releasing.folder import MERGED, OWN_BASE
from tools.releasing.licences import ON_THE_HUB

TEMPLATE = Path(__file__).with_name("card.md")
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
TRAINING = ("train_sft", "train_grpo", "take_snapshot")
SETTINGS = ("grpo", "sft", "lora", "pairs", "policy", "processes", "seed", "step")
METHODS = {
    "train_sft": ("sft", "It was trained on pairs by supervised fine-tuning."),
    "train_grpo": ("grpo", "It was trained by GRPO from a short supervised start, with the rewards given below."),
}


def language_tags(run: Run) -> tuple[list[str], list[str]]:
    """BCP-47 tags of the task's languages, and their names in the config that are none."""
    task = run.of_task(run.task)
    names = list(dict.fromkeys([task.target_language, task.source_language]))
    return [name for name in names if _TAG.fullmatch(name)], [name for name in names if not _TAG.fullmatch(name)]


def metadata(run: Run, base: Base, licence: str | None, results: list[EvalResult], sources: list[Row]) -> ModelCardData:
    """The YAML at the head of the card. `licence`: the adapter's, as its author states it; None: not stated."""
    tags, _ = language_tags(run)
    names = {
        Path(row["source"]).relative_to(FOLDER).parts[0] for row in sources if row["source"].startswith(str(FOLDER))
    }
    entries = [run.config.downloads[name] for name in sorted(names)]
    data_sets = [entry.repo for entry in entries if isinstance(entry, HubDownload) and entry.kind == "dataset"]
    known = licence is not None and licence.lower() in ON_THE_HUB
    return ModelCardData(
        model_name=_title(run),
        language=list(dict.fromkeys(tag.partition("-")[0] for tag in tags)) or None,
        license=(licence.lower() if known else "other") if licence else None,
        license_name=None if licence is None or known else re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-"),
        base_model=base.repo,
        base_model_relation="adapter" if base.repo else None,
        datasets=data_sets or None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["semalign", "lora", _method(run)[0], _task_words(run)[0]],
        eval_results=results,
    )


def card(
    run: Run,
    base: Base,
    licence: str | None,
    results: list[EvalResult],
    sources: list[Row],
    shown: tuple[str, str],
    settings: dict[str, Any],
    merged: bool,
) -> str:
    """The whole card. `shown`: a source text and the model's answer, for the snippet, which runs with transformers and
    peft alone in the folder of the release.

    Raises ValueError where the hub's library does not read back the metadata that were written.
    """
    data = metadata(run, base, licence, results, sources)
    made = ModelCard.from_template(
        data,
        str(TEMPLATE),
        json=partial(json.dumps, ensure_ascii=False),
        markdown_line=markdown_line,
        title=_title(run),
        run=run,
        base=base,
        own_base=OWN_BASE,
        what=_task_words(run)[1],
        how=_method(run)[1],
        settings=settings,
        source=shown[0],
        answer=shown[1],
        merged=MERGED if merged else None,
        results=results,
        trainings=_trainings(run),
        report=_report(run),
        sources=[_source_cells(row) for row in sources],
        config=Path(run.training["config"]).stem,
        digest=run.training["outputs"][f"results/{run.name}/adapter"],
        licence=licence,
    )
    if made.data.to_dict() != data.to_dict():
        raise ValueError("the card's metadata are not read back as they were written")
    return f"{made}\n"


def _title(run: Run) -> str:
    return f"semalign {run.name}"


def _method(run: Run) -> tuple[str, str]:
    """The tag of how a run was trained, and a sentence on it; a snapshot is one of RL."""
    rule = run.training["rule"]
    return METHODS["train_grpo" if rule == "take_snapshot" else rule]


def _task_words(run: Run) -> tuple[str, str]:
    """The tag of a run's task, and what its model does, after "it"."""
    task = run.of_task(run.task)
    title = task.title or run.task.replace("_", " ")
    answers = f"answers {task.source_language} in {task.target_language} ({title})"
    if not task.between_languages():
        return title.replace(" ", "-"), answers
    translates = f"translates {task.source_language} into {task.target_language}"
    return "translation", translates if title == "translation" else answers


def _trainings(run: Run) -> dict[str, dict[str, Any]]:
    """{run: settings} of the trainings behind a model, the last first."""
    records = [record for record in run.jobs if record["rule"] in TRAINING]
    return {
        next(iter(record["outputs"])).removeprefix("results/").removesuffix("/adapter"): {
            key: record["settings"][key] for key in SETTINGS if key in record["settings"]
        }
        for record in reversed(records)
    }


def _report(run: Run) -> dict[str, Any]:
    """The training's report, digests aside; empty where it has none."""
    path = run.folder / "training.json"
    content = read_json(path) if path.is_file() else {}
    return {name: value for name, value in content.items() if not name.endswith("sha256")}


def _source_cells(row: Row) -> list[str]:
    """A source's name without the folders of the machine on which the run was made, its uses, origin, licence, hash."""
    source: str = row["source"]
    name = source.removeprefix(f"{FOLDER}/") if source.startswith("results/") else Path(source).name
    origin = str(row["origin"]) + (f"; {row['about']}" if row.get("about") else "")
    return [name, ", ".join(_uses(row["read_by"])), origin, row["licence"], (row["sha256"] or "")[:16]]


def _uses(read_by: str) -> list[str]:
    """What the config keys read a source for, in words."""
    words = []
    for key in read_by.split(", "):
        first, second, part, *_ = [*key.split("."), "", ""]
        words.append(
            {
                "tasks": f"{second} {'test' if part == 'test' else 'training'}",
                "retention": "retention benchmarks",
                "encoders": f"{second} encoder",
                "exam": "encoder exam",
                "policy": "base",
            }.get(first, key)
        )
    return list(dict.fromkeys(words))

"""A run's figures as entries of the hub's model index."""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult

from semalign.config.downloads import FOLDER, HubDownload
from semalign.config.retention import Benchmark, Extractive, LmEval
from semalign.preflight.referenced_paths import paths_within
from semalign.runtime.files import Row, read_json
from semalign.statistics.retained import MEASURES
from semalign.tables.sources_table import WORLD
from tools.releasing.finished import Run

GENERATED = "generated"
QUESTIONS = ("question-answering", "Reading comprehension")
MODELLING = ("text-generation", "Language modelling")
OTHERS = {
    "multiple_choice": ("multiple-choice", "Multiple choice"),
    "perplexity": MODELLING,
    "lm_eval": ("text-generation", "lm-evaluation-harness"),
}
"""The hub's kinds of the retention benchmarks that are measured by likelihood, and their titles."""


def measured(run: Run) -> list[EvalResult]:
    """Every figure of the run's test sets, with data set, split, seed, size and signature."""
    text = read_json(run.folder / "scores" / "text.json")
    kept = []
    for name, entry in run.config.retention.ordered.items():
        kept += (
            _of_questions(run, name, text[name]) if isinstance(entry, Extractive) else _of_benchmark(run, name, entry)
        )
    return [*_of_task(run, text[run.task]), *_of_judge(run), *kept, *_of_likelihood(run)]


def _kind(run: Run) -> tuple[str, str]:
    """The hub's kind of a task, and its title. A task within one language that is measured by ROUGE is a summary."""
    task = run.of_task(run.task)
    within = "summarization" if task.metric_names()[0] == "rouge_l" else "text-generation"
    title = task.title or run.task.replace("_", " ")
    return "translation" if task.between_languages() else within, title.capitalize()


def _of_task(run: Run, text: Row) -> list[EvalResult]:
    data, kind_of_task = _data_set(run, run.task, text["n"]), _kind(run)
    names = {
        "bleu": ("bleu", "BLEU-4 on tokens of the language, 0 to 1"),
        "rouge_l": ("rouge", "ROUGE-L on tokens of the language, 0 to 1"),
        "chrf": ("chrf", "chrF++, 0 to 1"),
        "bleu_char": ("bleu", "BLEU-4 on characters, 0 to 1"),
        "content": ("content", "share of the source's facts that the answer tells"),
    }
    names |= {name: (name, name) for name in text["metrics"] if name not in names}
    found = [
        _result(kind_of_task, data, kind, name, text[key]["value"], signature=text[key].get("signature"))
        for key, (kind, name) in names.items()
        if key in text
    ]
    if "language_consistency" in text:
        name = "share of answers in the language's script"
        found.append(_result(kind_of_task, data, "language_consistency", name, text["language_consistency"]))
    similarity = read_json(run.folder / "scores" / "similarity.json")[run.task]
    whose = {"reward": "the encoder that rewards RL", "independent": "an encoder that never rewards"}
    for key, words in whose.items():
        entry = similarity[key]
        name = f"mean cosine to the reference by {words}"
        kind = f"similarity_{key}"
        found.append(_result(kind_of_task, data, kind, name, entry["value"], signature=entry["signature"]))
    return found


def _of_questions(run: Run, benchmark: str, text: Row) -> list[EvalResult]:
    data = _data_set(run, benchmark, text["n"])
    names = {"em": ("exact_match", "exact match, percent"), "f1": ("f1", "F1, percent")}
    return [
        _result(QUESTIONS, data, kind, name, text[key], signature=text["signature"])
        for key, (kind, name) in names.items()
    ]


def _of_benchmark(run: Run, name: str, entry: Benchmark) -> list[EvalResult]:
    """The figures of a benchmark that is measured by likelihood; none where it was not measured."""
    path = run.benchmark(name)
    if path is None:
        return []
    summary = read_json(path)
    data = _data_set(run, name, summary["n"])
    found = []
    for measure in entry.measures:
        about = MEASURES[measure]
        words = ", ".join(part for part in (about.about, measure.replace("_", " "), about.unit) if part)
        kind = entry.metric if isinstance(entry, LmEval) else measure
        found.append(_result(OTHERS[entry.kind], data, kind, words, summary[measure], signature=summary["signature"]))
    return found


def _of_judge(run: Run) -> list[EvalResult]:
    path = run.judgement()
    if path is None:
        return []
    summary = read_json(path)
    other = "strong_sft" if run.model == "rl" else "rl"
    judge = summary["judge"].get("model") or f"the {summary['judge']['kind']}"
    data = _data_set(run, run.task, summary["n"])
    name = f"blind comparison with {other} by {judge}: share of items won in both orders, percent"
    return [_result(_kind(run), data, "judge_win", name, summary["win"][run.model], losses=summary["win"][other])]


def _of_likelihood(run: Run) -> list[EvalResult]:
    path = run.likelihood()
    if path is None:
        return []
    summary = read_json(path)
    data = _data_set(run, str(run.config.passages_of()), summary["passages"])
    names = {"nll": "mean token NLL on passages, nats", "kl": "mean token KL to the base on passages, nats"}
    return [
        _result(MODELLING, data, key, name, summary[key]["mean"], signature=summary["signature"])
        for key, name in names.items()
    ]


def _result(
    task: tuple[str, str], data: dict[str, Any], kind: str, name: str, value: float, **arguments: Any
) -> EvalResult:
    given = {key: argument for key, argument in arguments.items() if argument is not None}
    return EvalResult(
        task_type=task[0],
        task_name=task[1],
        metric_type=kind,
        metric_name=name,
        metric_value=round(float(value), 6),
        metric_args=given or None,
        **data,
    )


def _data_set(run: Run, name: str, items: int) -> dict[str, Any]:
    """The hub's name of a test set where it has one; split, number of items, and the seed that drew it."""
    benchmark = run.config.retention.benchmarks.get(name)
    if isinstance(benchmark, LmEval):
        words = benchmark.task or str(benchmark.file and benchmark.file.name)
        named = {"dataset_type": "lm_eval", "dataset_name": f"{words} ({name})", "dataset_split": "test"}
        return named | {"dataset_args": {"items": items}}
    sources: list[Any] = list(getattr(benchmark, "test", []) if benchmark else run.of_task(name).test)
    drawn = not sources
    paths = [path for _, path in paths_within(sources or list(run.of_task(name).train))]
    kind, words, revision = _origin(run, paths)
    arguments: dict[str, Any] = {"items": items}
    if drawn:
        words, arguments["seed"] = f"pairs kept back of {words}", run.of_task(name).pool.seed
    elif kind == GENERATED and run.config.world:
        arguments["seed"] = run.config.world.seed
    return {
        "dataset_type": kind,
        "dataset_name": f"{words} ({name})",
        "dataset_split": "test",
        "dataset_revision": revision,
        "dataset_args": arguments,
    }


def _origin(run: Run, paths: list[Path]) -> tuple[str, str, str | None]:
    """(kind or the hub's name, words for people, revision) of a test set's files."""
    fetched = {path.relative_to(FOLDER).parts[0] for path in paths if path.is_relative_to(FOLDER)}
    download = run.config.downloads[min(fetched)] if len(fetched) == 1 else None
    if isinstance(download, HubDownload):
        return download.repo, download.repo, download.revision
    if any(path.is_relative_to(WORLD) for path in paths):
        return GENERATED, "a generated world of scenes", None
    return "downloaded" if fetched else "own", ", ".join(path.name for path in paths), None

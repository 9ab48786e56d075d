"""What rules depend on that measure: retention benchmarks, and metrics that are functions."""

from semalign.config.metrics import function_of


def benchmark_sources(names=None):
    """By config key the sources of benchmarks' test sets, by default of all that this project reads itself."""
    return {
        f"retention.benchmarks.{name}.test": BENCHMARKS[name].test
        for name in ([*ANSWERED, *ITEMISED] if names is None else names)
    }


def harness_files(name):
    """The files that a benchmark of the harness reads: its task's and its data."""
    entry = BENCHMARKS[name]
    return [entry.file, *entry.data] if name in HARNESS and entry.file else getattr(entry, "data", [])


OF_LAYOUT = ["prompt", "choices", "first_label", "words"]


def item_settings(name):
    """What the items of a benchmark that is measured by likelihood depend on."""
    return BENCHMARKS[name].model_dump(mode="json", include={"kind", "test", "limit", *OF_LAYOUT})


def measure_settings(name):
    """What a run's figures in such a benchmark depend on, beside its items and examples."""
    unread = {"test", "measure", *OF_LAYOUT}
    unread |= {"limit"} if name in ITEMISED else set()
    entry = BENCHMARKS[name].model_dump(mode="json", exclude=unread)
    shots = entry.get("shots") and {"separator": entry["shots"]["separator"]}
    return entry | {"shots": shots}


def answer_settings(entry):
    """What answering a test set, a task's or a benchmark's, depends on; its examples are a file."""
    asked = entry.model_dump(mode="json", include={"prompt", "max_new_tokens", "stop"})
    shots = entry.shots and entry.shots.model_dump(include={"delimiter", "separator"})
    return asked | {"shots": shots}


def stops_of(task):
    """A task's stop strings, where it has some: what τ, rollouts and candidates depend on, as answers do."""
    stops = CONFIG.tasks[task].stop
    return {"stop": stops} if stops else {}


def shots_of(names):
    """The files with the examples of test sets, of those that have some."""
    return [f"results/data/{name}/shots.jsonl" for name in names if name in SHOTS]


def shot_files(name):
    """The files from which a test set's examples are drawn."""
    return files(SHOTS[name].source) if SHOTS[name].source != "train" else []


def training_pairs(name):
    """The pairs from which a task's examples are drawn, where its own training is their source."""
    return f"results/data/{name}/cold.jsonl" if SHOTS[name].source == "train" else []


def shot_settings(name):
    """What the examples of a test set depend on."""
    section = "retention.benchmarks" if name in BENCHMARKS else "tasks"
    kinds = {"extractive": "questions", "multiple_choice": "choices"}
    return {
        "key": f"{section}.{name}.shots",
        "kind": kinds[BENCHMARKS[name].kind] if name in BENCHMARKS else "pairs",
        "shots": SHOTS[name].model_dump(mode="json", exclude={"delimiter", "separator"}),
        "layout": (CHOSEN[name].model_dump(mode="json", include={*OF_LAYOUT}) if name in CHOSEN else None),
    }


def metric_settings(metric):
    """A metric as a job gets it: a built-in's name, or the function with its name and model."""
    function = function_of(metric)
    return function.model_dump(mode="json") if function else metric


def metric_functions(tasks):
    """The metrics of these tasks that are functions."""
    metrics = chain(*(CONFIG.tasks[task].metrics for task in tasks))
    return [function for metric in metrics if (function := function_of(metric))]


def metric_models(tasks):
    """The models of these tasks' metrics."""
    return sorted({str(entry.model) for entry in metric_functions(tasks) if entry.model})


def metric_files(tasks):
    """The user's own files behind these tasks' metrics."""
    names = {entry.function for entry in metric_functions(tasks)}
    return sorted({path for name in names for path in USER_METRICS.get(name, [])})


def metric_modules(tasks):
    """The project's own modules among these tasks' metrics."""
    names = {entry.function.partition(":")[0] for entry in metric_functions(tasks)}
    return sorted(name for name in names if name.startswith("semalign."))

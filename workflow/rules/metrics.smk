"""The tasks' metrics that are functions: what a rule is given of them, and that they can be called.

In:  the user's files and models behind them, results/data/<task>/rl.jsonl
Out: results/data/metrics.json
"""

from semalign.config.metrics import function_of


def metric_settings(metric):
    """A metric as its rule is given it: a built-in's name, or the function with its name and model."""
    function = function_of(metric)
    return function.model_dump(mode="json") if function else metric


def metric_functions(tasks):
    """The metrics of these tasks that are functions."""
    metrics = chain(*(CONFIG.tasks[task].metrics for task in tasks))
    return [function for metric in metrics if (function := function_of(metric))]


def metric_models(tasks):
    """The models of these tasks' metrics."""
    return sorted(
        {str(entry.model) for entry in metric_functions(tasks) if entry.model}
    )


def metric_files(tasks):
    """The user's own files behind these tasks' metrics."""
    names = {entry.function for entry in metric_functions(tasks)}
    return sorted({path for name in names for path in USER_METRICS.get(name, [])})


def metric_modules(tasks):
    """The project's own modules among these tasks' metrics."""
    names = {entry.function.partition(":")[0] for entry in metric_functions(tasks)}
    return sorted(name for name in names if name.startswith("semalign."))


if CONFIG.metric_functions():

    rule check_metrics:
        input:
            rows=expand("results/data/{task}/rl.jsonl", task=TASKS[0])[0],
            metrics=given(metric_files(TASKS)),
            models=given(
                path for path in metric_models(TASKS) if is_external(Path(path))
            ),
        output:
            report="results/data/metrics.json",
        log:
            "results/logs/check_metrics.log",
        benchmark:
            "results/benchmarks/check_metrics.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        resources:
            gpu=GPUS if metric_models(TASKS) else 0,
        params:
            settings=settings(
                "check_metrics",
                reads=[*metric_files(TASKS), *metric_models(TASKS)],
                modules=metric_modules(TASKS),
                device=CONFIG.device,
                metrics={
                    key: entry.model_dump(mode="json")
                    for key, entry in CONFIG.metric_functions().items()
                },
            ),
        script:
            "../scripts/check_metrics.py"

"""That the tasks' metrics that are functions can be called.

In:  the user's files and models behind them, results/data/<task>/rl.jsonl
Out: results/data/metrics.json
"""

if CONFIG.metric_functions():

    rule check_metrics:
        input:
            rows=expand(
                "results/data/{task}/{part}.jsonl",
                task=TASKS[0],
                part="rl" if CONFIG.train else "test",
            )[0],
            metrics=given(metric_files(TASKS)),
            models=given(path for path in metric_models(TASKS) if is_external(Path(path))),
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
                metrics={key: entry.model_dump(mode="json") for key, entry in CONFIG.metric_functions().items()},
            ),
        script:
            "../scripts/check_metrics.py"

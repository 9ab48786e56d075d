"""One HTML file with everything: tables, figures, exams, examples, which rule is made from which, provenance, time and
memory.

In:  every table, figure and exam; the first seed's answers, scores and verdicts; training records; results/sources.csv;
     read beside them: the records and benchmarks of all jobs behind these, which no rule has as outputs
Out: results/report.html

With SEMALIGN_REPORT=present (make report) the inputs are those that are there, so that nothing else is computed.
"""

SEEDS_SHOWN = seeds_reported()
REPORTED_RUNS = expand("{task}/{model}/{seed}", task=TASKS, model=MODELS, seed=SEEDS_SHOWN)
EXAMPLE_RUNS = [
    "base",
    *expand("{task}/{model}/{seed}", task=TASKS, model=MODELS, seed=SEEDS_SHOWN[:1]),
    *GIVEN,
]

if not reported([*TABLES, *FIGURES]):
    raise WorkflowError(
        "results/ holds no table and no figure to report yet: make table3 first, or make report FULL=1, which builds "
        "everything"
    )


rule report:
    input:
        tables=reported(TABLES),
        sidecars=reported([table.replace(".csv", ".json") for table in TABLES]),
        figures=reported(expand("results/figures/{name}.svg", name=DRAWN)),
        exams=reported(EXAMS),
        passed=reported(PASSED if CONFIG.train else []),
        tests=reported(expand("results/data/{task}/test.jsonl", task=TASKS)),
        predictions=reported(expand("results/{run}/predictions.jsonl", run=EXAMPLE_RUNS)),
        scores=reported(scores(EXAMPLE_RUNS)),
        records=reported(expand("results/{run}/training.jsonl", run=REPORTED_RUNS)),
        judge=reported(VERDICTS),
        sources=reported(["results/sources.csv"]),
    output:
        html="results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "report",
            tasks=[
                CONFIG.tasks[task].model_dump(mode="json", include={*LANGUAGE_KEYS})
                | {
                    "name": task,
                    "title": title,
                    "metrics": CONFIG.tasks[task].metric_names(),
                }
                for task, title in TITLES
            ],
            seeds=SEEDS_SHOWN,
            tables=[Path(table).stem for table in reported(TABLES)],
            wanted=[Path(table).stem for table in TABLES],
            figures=[name for name in DRAWN if reported([f"results/figures/{name}.svg"])],
            judge=CONFIG.judge.model_dump(mode="json", include={"kind", "model"}),
            thresholds=CONFIG.exam.thresholds,
            audit=CONFIG.audit.thresholds,
            max_zero_variance=CONFIG.rl.max_zero_variance_share,
            **CONFIG.report.model_dump(mode="json"),
            assets=asset_hashes(),
            retention=RETAINED,
            **({"models": MAIN_MODELS, "given": GIVEN_TASKS} if GIVEN else {}),
            **({"opponents": OPPONENTS} if OPPONENTS else {}),
        ),
    script:
        "../scripts/report.py"

"""One HTML file with everything: tables, figures, exams, examples, the DAG, provenance, time and memory.

In:  every table, figure and exam; the first seed's answers, scores and verdicts; results/sources.csv; read beside them:
     the records and benchmarks of all jobs behind these, which no rule has as outputs
Out: results/report.html
"""

EXAMPLE_MODELS = [*(MODELS or ["base"]), *GIVEN]
EXAMPLE_RUNS = [
    *([] if MODELS else ["base"]),
    *expand("{task}/{model}/{seed}", task=TASKS, model=MODELS, seed=SEEDS[0]),
    *GIVEN,
]


rule report:
    input:
        tables=[*TABLES, *[table.replace(".csv", ".json") for table in TABLES]],
        figures=expand("results/figures/{name}.svg", name=FIGURE_NAMES),
        exams=EXAMS,
        passed=expand("results/encoders/{encoder}/exam.passed", encoder=ENCODERS),
        tests=expand("results/data/{task}/test.jsonl", task=TASKS),
        predictions=expand("results/{run}/predictions.jsonl", run=EXAMPLE_RUNS),
        scores=scores(EXAMPLE_RUNS),
        judge=VERDICTS,
        sources="results/sources.csv",
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
            seeds=SEEDS,
            tables=[Path(table).stem for table in TABLES],
            figures=FIGURE_NAMES,
            judge=CONFIG.judge.model_dump(mode="json", include={"kind", "model"}),
            thresholds=CONFIG.exam.thresholds,
            **CONFIG.report.model_dump(mode="json"),
            look=fingerprint_of_look(),
            retention=RETAINED,
            **(
                {"models": EXAMPLE_MODELS, "given": GIVEN_TASKS}
                if GIVEN or not MODELS
                else {}
            ),
        ),
    script:
        "../scripts/report.py"

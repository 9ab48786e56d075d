"""The paper's tables, from scores alone.

In:  results/<run>/scores/*.json, results/<task>/judge/<seed>.json
Out: results/table3.{csv,md,json}
"""


rule tabulate_table3:
    input:
        text=expand("results/{run}/scores/text.json", run=RUNS),
        similarity=expand("results/{run}/scores/similarity.json", run=RUNS),
        exams=expand("results/encoders/{encoder}/exam.json", encoder=ENCODERS),
        judge=(
            expand("results/{task}/judge/{seed}.json", task=TASKS, seed=SEEDS)
            if JUDGED
            else []
        ),
    output:
        csv="results/table3.csv",
        markdown="results/table3.md",
        sidecar="results/table3.json",
    log:
        "results/logs/tabulate_table3.log",
    benchmark:
        "results/benchmarks/tabulate_table3.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings("tabulate_table3", tasks=TASKS, models=MODELS, seeds=SEEDS),
    script:
        "../scripts/tabulate_table3.py"

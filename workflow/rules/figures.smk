"""The figures, from tables, training records and exams.

In:  results/<run>/{scores,training.jsonl,audit.jsonl,likelihood.npz}, results/frontier.csv, results/encoders/*/exam.json
Out: results/figures/<name>.{png,svg}
"""

FIGURE_NAMES = [
    "reward",
    "rollouts",
    "audit",
    "tradeoff",
    "encoder",
    *(["ablation"] if CONFIG.ablation else []),
    *(["frontier"] if CONFIG.frontier else []),
    *(["likelihood"] if CONFIG.forgetting else []),
]
FIGURES = expand(
    "results/figures/{name}.{kind}", name=FIGURE_NAMES, kind=["png", "svg"]
)


rule figures:
    input:
        FIGURES,
        gates([*FRONTIER_RUNS, *VARIANT_RUNS]),


rule draw_reward:
    input:
        records=expand("results/{run}/training.jsonl", run=runs(TASKS, ["rl"])),
    output:
        png="results/figures/reward.png",
        svg="results/figures/reward.svg",
    log:
        "results/logs/draw_reward.log",
    benchmark:
        "results/benchmarks/draw_reward.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "draw_reward", tasks=TITLES, seeds=SEEDS, rewards=CONFIG.rl.rewards
        ),
    script:
        "../scripts/draw_reward.py"


rule draw_rollouts:
    input:
        records=expand("results/{run}/training.jsonl", run=runs(TASKS, ["rl"])),
        audits=expand("results/{run}/audit.jsonl", run=runs(TASKS, ["rl"])),
    output:
        png="results/figures/rollouts.png",
        svg="results/figures/rollouts.svg",
    log:
        "results/logs/draw_rollouts.log",
    benchmark:
        "results/benchmarks/draw_rollouts.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings("draw_rollouts", tasks=TITLES, seeds=SEEDS),
    script:
        "../scripts/draw_rollouts.py"


rule draw_audit:
    input:
        audits=expand("results/{run}/audit.jsonl", run=runs(TASKS, ["rl"])),
    output:
        png="results/figures/audit.png",
        svg="results/figures/audit.svg",
    log:
        "results/logs/draw_audit.log",
    benchmark:
        "results/benchmarks/draw_audit.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings("draw_audit", tasks=TITLES, seeds=SEEDS),
    script:
        "../scripts/draw_audit.py"


rule draw_tradeoff:
    input:
        scores=scores(MAIN_RUNS),
        retention=kept(MAIN_RUNS, KEPT_FIRST),
    output:
        png="results/figures/tradeoff.png",
        svg="results/figures/tradeoff.svg",
    log:
        "results/logs/draw_tradeoff.log",
    benchmark:
        "results/benchmarks/draw_tradeoff.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "draw_tradeoff",
            tasks=TITLES,
            models=["base", *MODELS],
            seeds=SEEDS,
            primary=RETAINED[0],
        ),
    script:
        "../scripts/draw_tradeoff.py"


rule draw_encoder:
    input:
        exams=EXAMS,
    output:
        png="results/figures/encoder.png",
        svg="results/figures/encoder.svg",
    log:
        "results/logs/draw_encoder.log",
    benchmark:
        "results/benchmarks/draw_encoder.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings("draw_encoder"),
    script:
        "../scripts/draw_encoder.py"


if CONFIG.ablation:

    rule draw_ablation:
        input:
            scores=scores(VARIANT_RUNS),
            retention=kept(VARIANT_RUNS, KEPT_FIRST),
        output:
            png="results/figures/ablation.png",
            svg="results/figures/ablation.svg",
        log:
            "results/logs/draw_ablation.log",
        benchmark:
            "results/benchmarks/draw_ablation.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "draw_ablation",
                tasks=[title for title in TITLES if title[0] == CONFIG.ablation.task],
                models=["rl", *VARIANTS],
                seeds=SEEDS,
                primary=RETAINED[0],
            ),
        script:
            "../scripts/draw_ablation.py"


if CONFIG.frontier:

    rule draw_frontier:
        input:
            frontier="results/frontier.csv",
        output:
            png="results/figures/frontier.png",
            svg="results/figures/frontier.svg",
        log:
            "results/logs/draw_frontier.log",
        benchmark:
            "results/benchmarks/draw_frontier.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "draw_frontier",
                tasks=TITLES,
                primary=CONFIG.retention.main_column,
            ),
        script:
            "../scripts/draw_frontier.py"


if CONFIG.forgetting:

    rule draw_likelihood:
        input:
            tokens=expand("results/{run}/likelihood.npz", run=MAIN_RUNS),
        output:
            png="results/figures/likelihood.png",
            svg="results/figures/likelihood.svg",
        log:
            "results/logs/draw_likelihood.log",
        benchmark:
            "results/benchmarks/draw_likelihood.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "draw_likelihood", tasks=TITLES, models=["base", *MODELS], seeds=SEEDS
            ),
        script:
            "../scripts/draw_likelihood.py"

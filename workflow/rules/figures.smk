"""The figures, from tables, training records and exams: one rule draws each by its name.

In:  results/<run>/{scores,training.jsonl,audit.jsonl,likelihood.npz}, results/frontier.csv,
     results/encoders/*/exam.json
Out: results/figures/<figure>.{png,svg}
"""

# {figure: (the function that draws it, its arguments beside the results, its inputs)}
DRAWN = {}
if CONFIG.train:
    DRAWN["reward"] = (
        "training:reward",
        {"tasks": TITLES, "seeds": SEEDS, "rewards": CONFIG.rl.rewards},
        expand("results/{run}/training.jsonl", run=runs(TASKS, ["rl"])),
    )
    DRAWN["rollouts"] = (
        "training:rollouts",
        {"tasks": TITLES, "seeds": SEEDS},
        expand(
            "results/{run}/{kind}.jsonl",
            run=runs(TASKS, ["rl"]),
            kind=["training", "audit"],
        ),
    )
    DRAWN["audit"] = (
        "auditing:audit",
        {"tasks": TITLES, "seeds": SEEDS},
        expand("results/{run}/audit.jsonl", run=runs(TASKS, ["rl"])),
    )
DRAWN |= {
    "tradeoff": (
        "points:tradeoff",
        {
            "tasks": TITLES,
            "models": MAIN_MODELS,
            "seeds": SEEDS,
            "primary": RETAINED[0],
            **GIVEN_VALUES,
        },
        [*scores(MAIN_RUNS), *kept(MAIN_RUNS, KEPT_FIRST)],
    ),
    "encoder": ("encoder:encoder", {}, EXAMS),
}
if CONFIG.ablation:
    DRAWN["ablation"] = (
        "points:tradeoff",
        {
            "tasks": [title for title in TITLES if title[0] == CONFIG.ablation.task],
            "models": ["rl", *VARIANTS],
            "seeds": SEEDS,
            "primary": RETAINED[0],
        },
        [*scores(VARIANT_RUNS), *kept(VARIANT_RUNS, KEPT_FIRST)],
    )
if CONFIG.frontier:
    DRAWN["frontier"] = (
        "frontier:frontier",
        {"tasks": TITLES, "primary": RETAINED[0]},
        ["results/frontier.csv"],
    )
if CONFIG.forgetting:
    DRAWN["likelihood"] = (
        "likelihood:likelihood",
        {
            "tasks": TITLES,
            "models": MAIN_MODELS,
            "seeds": SEEDS,
            **GIVEN_VALUES,
        },
        expand("results/{run}/likelihood.npz", run=MAIN_RUNS),
    )
FIGURES = expand("results/figures/{name}.{kind}", name=DRAWN, kind=["png", "svg"])


rule figures:
    input:
        FIGURES,
        gates([*FRONTIER_RUNS, *VARIANT_RUNS]),


rule draw_figure:
    input:
        lambda wc: DRAWN[wc.figure][2],
    output:
        png="results/figures/{figure}.png",
        svg="results/figures/{figure}.svg",
    log:
        "results/logs/draw_figure/{figure}.log",
    benchmark:
        "results/benchmarks/draw_figure/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(DRAWN),
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "draw_figure",
            modules=[f"semalign.figures.{DRAWN[wc.figure][0].partition(':')[0]}"],
            function=DRAWN[wc.figure][0],
            arguments=DRAWN[wc.figure][1],
        ),
    script:
        "../scripts/draw_figure.py"

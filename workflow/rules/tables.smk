"""The paper's tables, the frontier, the reward encoders compared, the tests and the reward audit, from scores alone;
what the frontier's points cost, from records.

In:  results/<run>/{scores,likelihood,audit}*, results/<task>/judge/*.{json,jsonl}; read beside the answers: the records
     of all jobs behind them, which no rule has as outputs
Out: results/<table>.{csv,md,tex,json}
"""


rule tabulate_paper:
    input:
        scores=lambda wc: table_scores(wc.table),
        judge=lambda wc: VERDICTS if wc.table == "table3" else [],
        exams=lambda wc: EXAMS if wc.table == "table3" else [],
        training=lambda wc: audited_trainings(wc.table),
        gates=ancient(lambda wc: gates(table_runs(wc.table))),
    output:
        **written("{table}"),
    log:
        "results/logs/tabulate_paper/{table}.log",
    benchmark:
        "results/benchmarks/tabulate_paper/{table}.tsv"
    wildcard_constraints:
        table="|".join(TABLE_ROWS),
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "tabulate_paper",
            table=wc.table,
            tasks=TABLE_ROWS[wc.table][0],
            titles=titles_of(wc.table),
            published={
                task: CONFIG.tasks[task].published for task in TABLE_ROWS[wc.table][0] if CONFIG.tasks[task].published
            },
            models=TABLE_ROWS[wc.table][1],
            rewards={model: rewards_of(model) for model in TABLE_ROWS[wc.table][1] if wc.table == "table5"},
            seeds=SEEDS,
            judged=JUDGED and wc.table == "table3",
            thresholds=CONFIG.audit.thresholds if wc.table in AUDITED else None,
            retention=(RETAINED if wc.table in ["table3", "table4", "table5"] else RETAINED[:1]),
            statistics=STATISTICS,
            **given_of(wc.table),
        ),
    script:
        "../scripts/tabulate_paper.py"


# Models that were trained elsewhere are compared with the base, too.
COMPARED = [*(["base", *GIVEN] if GIVEN else []), *runs(TASKS, MODELS)]


rule compare_systems:
    input:
        tests=expand("results/data/{task}/test.jsonl", task=TASKS),
        predictions=expand("results/{run}/predictions.jsonl", run=COMPARED),
        scores=scores(COMPARED),
        retention=kept(COMPARED, MEASURED),
        likelihood=likelihoods(COMPARED) if CONFIG.forgetting else [],
        judge=VERDICTS,
        gates=ancient(gates(runs(TASKS, MODELS))),
    output:
        **written("statistics"),
    log:
        "results/logs/compare_systems.log",
    benchmark:
        "results/benchmarks/compare_systems.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "compare_systems",
            languages={
                task: language_settings(CONFIG.tasks[task].target_language, bleu_tokens=True)
                for task in TASKS
                if CONFIG.tasks[task].metric_names()[0] == "bleu"
            },
            tasks=TASKS,
            seeds=SEEDS,
            statistics=CONFIG.statistics,
            judged=JUDGED,
            forgetting=CONFIG.forgetting is not None,
            retention=RETAINED,
            **GIVEN_VALUES,
            **({"opponents": OPPONENTS} if OPPONENTS else {}),
            **({} if CONFIG.train else {"trained": False}),
        ),
    script:
        "../scripts/compare_systems.py"


rule tabulate_audit:
    input:
        rollouts=expand("results/{run}/audit.json", run=RL_RUNS),
        training=expand("results/{run}/training.json", run=RL_RUNS),
        gates=ancient(gates([*FRONTIER_RUNS, *VARIANT_RUNS])),
        scores=scores(
            [
                *FRONTIER_RUNS,
                *[run for run in VARIANT_RUNS if run not in FRONTIER_RUNS],
            ]
        ),
    output:
        **written("audit"),
    log:
        "results/logs/tabulate_audit.log",
    benchmark:
        "results/benchmarks/tabulate_audit.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "tabulate_audit",
            tasks=TASKS,
            seeds=SEEDS,
            models={
                task: [
                    "base",
                    *MODELS,
                    *SIZES,
                    *SNAPSHOTS,
                    *STRENGTHS,
                    *variants_of(task),
                    *given_runs([task]),
                ]
                for task in TASKS
            },
            rl_models={task: [*(["rl"] if MODELS else []), *variants_of(task)] for task in TASKS},
            started={task: started_of(task) for task in TASKS},
            thresholds=CONFIG.audit.thresholds,
            confidence=CONFIG.statistics.confidence,
        ),
    script:
        "../scripts/tabulate_audit.py"


if ABLATED:

    rule tabulate_encoders:
        input:
            exams=expand(
                "results/encoders/{encoder}/{kind}.json",
                encoder=["reward", *ABLATED],
                kind=["exam", "training"],
            ),
            scores=scores(ENCODED_RUNS),
            retention=kept(ENCODED_RUNS, MEASURED),
            training=expand("results/{run}/training.json", run=ENCODED_RUNS),
            passed=PASSED,
            gates=ancient([gate for gate in gates(ENCODED_RUNS) if gate not in PASSED]),
        output:
            **written("encoders"),
        log:
            "results/logs/tabulate_encoders.log",
        benchmark:
            "results/benchmarks/tabulate_encoders.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "tabulate_encoders",
                task=CONFIG.encoder_ablation.task,
                models={encoder_of(model): model for model in ["rl", *ENCODED]},
                starts={encoder_of(model): start_of_encoder(encoder_of(model)) for model in ["rl", *ENCODED]},
                seeds=SEEDS,
                thresholds=CONFIG.exam.thresholds,
                retention=RETAINED,
                statistics=STATISTICS,
            ),
        script:
            "../scripts/tabulate_encoders.py"


if CONFIG.frontier:

    rule tabulate_frontier:
        input:
            scores=scores(FRONTIER_RUNS),
            retention=kept(FRONTIER_RUNS, MEASURED),
            likelihood=likelihoods(FRONTIER_RUNS) if CONFIG.forgetting else [],
            training=expand("results/{run}/training.json", run=runs(TASKS, ["strong_sft", "rl"])),
            gates=ancient(gates(FRONTIER_RUNS)),
        output:
            **written("frontier"),
            taxes="results/frontier_taxes.csv",
        log:
            "results/logs/tabulate_frontier.log",
        benchmark:
            "results/benchmarks/tabulate_frontier.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "tabulate_frontier",
                tasks=TASKS,
                seeds=SEEDS,
                curves=CURVES,
                retention=RETAINED,
                forgetting=CONFIG.forgetting is not None,
                thresholds=CONFIG.audit.thresholds,
                statistics=STATISTICS,
                **GIVEN_VALUES,
            ),
        script:
            "../scripts/tabulate_frontier.py"

    rule tabulate_costs:
        input:
            answers=expand("results/{run}/predictions.jsonl", run=FRONTIER_RUNS),
            frontier="results/frontier.csv",
        output:
            **written("costs"),
        log:
            "results/logs/tabulate_costs.log",
        benchmark:
            "results/benchmarks/tabulate_costs.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "tabulate_costs",
                tasks=TASKS,
                seeds=SEEDS,
                curves=CURVES,
                **GIVEN_VALUES,
            ),
        script:
            "../scripts/tabulate_costs.py"

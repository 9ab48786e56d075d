"""What a run can do: greedy answers, then every score, each with its signature and floor.

A run is `base`, `models/<name>` or `<task>/<model>/<seed>`; it answers its tasks' test sets and the questions of the
retention benchmarks. With `/dev` behind it (a search's), it answers the task's dev set.
In:  the base, an adapter, results/data/*/{test,dev}.jsonl, both encoders; RL's rollouts
Out: results/<run>/predictions.jsonl, results/<run>/scores/{text,similarity}.json, results/<run>/likelihood.{json,npz},
     results/<run>/retention/<benchmark>.{json,jsonl} of benchmarks that are measured by likelihood,
     and for RL results/<run>/audit.{json,jsonl}
"""

if GIVEN:

    rule check_model:
        input:
            folder=lambda wc: given(model_files(f"models/{wc.name}"))[-1],
            base=lambda wc: [] if is_whole(f"models/{wc.name}") else BASE_INPUT,
        output:
            checks="results/models/{name}/checks.json",
        log:
            "results/logs/check_model/{name}.log",
        benchmark:
            "results/benchmarks/check_model/{name}.tsv"
        wildcard_constraints:
            name="|".join(CONFIG.models),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: settings(
                "check_model",
                reads=model_files(f"models/{wc.name}"),
                **check_settings(f"models/{wc.name}"),
            ),
        script:
            "../scripts/check_model.py"


rule generate:
    input:
        base=lambda wc: base_of(wc.run),
        adapter=lambda wc: adapter_of(wc.run),
        tests=lambda wc: tests_of(wc.run),
        shots=lambda wc: shots_of([*tasks_of(wc.run), *answered_of(wc.run)]),
        training=lambda wc: checked_reports([wc.run]),
        passed=ancient(lambda wc: given_checks(wc.run)),
    output:
        predictions="results/{run}/predictions.jsonl",
    log:
        "results/logs/generate/{run}.log",
    benchmark:
        "results/benchmarks/generate/{run}.tsv"
    wildcard_constraints:
        run=run_pattern(ADAPTER_PATTERN),
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=240),
    params:
        settings=lambda wc: settings(
            "generate",
            reads=model_files(wc.run),
            tasks={task: answer_settings(CONFIG.tasks[task]) for task in tasks_of(wc.run)},
            benchmarks={name: answer_settings(BENCHMARKS[name]) for name in answered_of(wc.run)},
            engine=CONFIG.generation_engine,
            batch_size=CONFIG.generation_batch_size,
            **model_settings(wc.run),
        ),
    script:
        "../scripts/generate.py"


rule score_text:
    input:
        predictions="results/{run}/predictions.jsonl",
        tests=lambda wc: tests_of(wc.run),
        metrics=lambda wc: given(metric_files(tasks_of(wc.run))),
        models=lambda wc: given(metric_models(tasks_of(wc.run))),
    output:
        scores="results/{run}/scores/text.json",
        by_item="results/{run}/scores/text.jsonl",
    log:
        "results/logs/score_text/{run}.log",
    benchmark:
        "results/benchmarks/score_text/{run}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=lambda wc: GPUS if metric_models(tasks_of(wc.run)) else 0,
    params:
        settings=lambda wc: settings(
            "score_text",
            reads=[*metric_files(tasks_of(wc.run)), *metric_models(tasks_of(wc.run))],
            modules=metric_modules(tasks_of(wc.run)),
            device=CONFIG.device if metric_models(tasks_of(wc.run)) else None,
            tasks={task: score_settings(task) for task in tasks_of(wc.run)},
            benchmarks={
                name: BENCHMARKS[name].model_dump(mode="json", include={"rules", "no_answer"})
                for name in answered_of(wc.run)
            },
            content=CONFIG.judge.kind == "parser",
        ),
    script:
        "../scripts/score_text.py"


rule score_similarity:
    input:
        predictions="results/{run}/predictions.jsonl",
        tests=lambda wc: pairs_of(wc.run),
        reward="results/encoders/reward/model",
        independent="results/encoders/independent/model",
    output:
        scores="results/{run}/scores/similarity.json",
        by_item="results/{run}/scores/similarity.jsonl",
    log:
        "results/logs/score_similarity/{run}.log",
    benchmark:
        "results/benchmarks/score_similarity/{run}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=60),
    params:
        settings=lambda wc: settings(
            "score_similarity",
            languages={
                task: language_settings(CONFIG.tasks[task].target_language, script=True) for task in tasks_of(wc.run)
            },
            device=CONFIG.device,
        ),
    script:
        "../scripts/score_similarity.py"


if MEASURED:

    rule measure_benchmark:
        input:
            base=lambda wc: base_of(wc.run),
            adapter=lambda wc: adapter_of(wc.run),
            passed=ancient(lambda wc: given_checks(wc.run)),
            tests=lambda wc: (
                f"results/data/{wc.name}/test.jsonl" if wc.name in ITEMISED else given(harness_files(wc.name))
            ),
            shots=lambda wc: shots_of([wc.name]),
        output:
            summary="results/{run}/retention/{name}.json",
            by_item="results/{run}/retention/{name}.jsonl",
        log:
            "results/logs/measure_benchmark/{run}-{name}.log",
        benchmark:
            "results/benchmarks/measure_benchmark/{run}-{name}.tsv"
        wildcard_constraints:
            run=run_pattern(ADAPTER_PATTERN),
            name="|".join(MEASURED),
        conda:
            ENVIRONMENT
        resources:
            **model_resources(minutes=120),
        params:
            settings=lambda wc: settings(
                "measure_benchmark",
                reads=[*model_files(wc.run), *harness_files(wc.name)],
                name=wc.name,
                entry=measure_settings(wc.name),
                **model_settings(wc.run),
            ),
        script:
            "../scripts/measure_benchmark.py"


rule audit_rollouts:
    input:
        rollouts="results/{task}/{model}/{seed}/rollouts.jsonl",
        rows="results/data/{task}/rl.jsonl",
        reward="results/encoders/reward/model",
        independent="results/encoders/independent/model",
    output:
        summary="results/{task}/{model}/{seed}/audit.json",
        by_step="results/{task}/{model}/{seed}/audit.jsonl",
    log:
        "results/logs/audit_rollouts/{task}-{model}-{seed}.log",
    benchmark:
        "results/benchmarks/audit_rollouts/{task}-{model}-{seed}.tsv"
    wildcard_constraints:
        model=GRPO_PATTERN,
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=60),
    params:
        settings=lambda wc: settings(
            "audit_rollouts",
            steps=CONFIG.audit.steps,
            rewards=rewards_of(wc.model),
            language=language_settings(CONFIG.tasks[wc.task].target_language, script=True),
            device=CONFIG.device,
        ),
    script:
        "../scripts/audit_rollouts.py"


if CONFIG.forgetting:

    rule measure_likelihood:
        input:
            base=lambda wc: base_of(wc.run),
            adapter=lambda wc: adapter_of(wc.run),
            reference=lambda wc: BASE_INPUT if is_whole(wc.run) else [],
            passed=ancient(lambda wc: given_checks(wc.run)),
            passages=f"results/data/{PASSAGES_OF}/passages.jsonl",
        output:
            summary="results/{run}/likelihood.json",
            tokens="results/{run}/likelihood.npz",
        log:
            "results/logs/measure_likelihood/{run}.log",
        benchmark:
            "results/benchmarks/measure_likelihood/{run}.tsv"
        wildcard_constraints:
            run=run_pattern(ADAPTER_PATTERN),
        conda:
            ENVIRONMENT
        resources:
            **model_resources(minutes=60),
        params:
            settings=lambda wc: settings(
                "measure_likelihood",
                reads=[BASE, *model_files(wc.run)],
                forgetting=CONFIG.forgetting.model_dump(mode="json", exclude={"passages", "sha256"}),
                **model_settings(wc.run),
                **({"reference": POLICY} if is_whole(wc.run) else {}),
            ),
        script:
            "../scripts/measure_likelihood.py"

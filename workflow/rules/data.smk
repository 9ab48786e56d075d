"""From raw files to splits.

In:  the files named under `tasks`, `retention` and `policy.pretraining.corpus`, or the generated world in their stead
Out: results/data/<task>/{cold,rl,dev,test}.jsonl, results/data/<benchmark>/{test,passages}.jsonl,
     results/data/corpus.jsonl, and beside each a report of every row that was dropped; where the world says how the
     cold start's targets are written, results/data/<task>/rewritten.jsonl
"""

if CONFIG.world:

    rule generate_world:
        output:
            expand("results/world/{name}", name=WORLD_FILES),
        log:
            "results/logs/generate_world.log",
        benchmark:
            "results/benchmarks/generate_world.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "generate_world",
                world=CONFIG.world.model_dump(mode="json", exclude=OF_COLD_TARGETS),
            ),
        script:
            "../scripts/generate_world.py"


if OWN_LATE_SOURCES:

    rule check_files:
        input:
            given(files(chain(*OWN_LATE_SOURCES.values()))),
        output:
            report="results/data/files.json",
        log:
            "results/logs/check_files.log",
        benchmark:
            "results/benchmarks/check_files.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "check_files",
                reads=files(chain(*OWN_LATE_SOURCES.values())),
                sources=to_jsonable_python(OWN_LATE_SOURCES),
            ),
        script:
            "../scripts/check_files.py"


rule prepare_corpus:
    input:
        files=given(files(item.source for item in CORPUS)),
        tests=given(files(chain(*benchmark_sources().values(), *test_sources().values()))),
    output:
        corpus="results/data/corpus.jsonl",
        report="results/data/corpus.report.json",
    log:
        "results/logs/prepare_corpus.log",
    benchmark:
        "results/benchmarks/prepare_corpus.tsv"
    priority: READ_FIRST
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "prepare_corpus",
            reads=[
                *files(item.source for item in CORPUS),
                *files(chain(*benchmark_sources().values(), *test_sources().values())),
            ],
            tests=to_jsonable_python(test_sources()),
            questions={key: to_jsonable_python(sources) for key, sources in benchmark_sources(ANSWERED).items()},
            benchmarks={f"retention.benchmarks.{name}.test": item_settings(name) for name in ITEMISED},
            corpus=[item.model_dump(mode="json") for item in CORPUS],
            prompts={item.task: CONFIG.tasks[item.task].prompt for item in CORPUS if item.task},
            question_prompt=CONFIG.retention.question_prompt,
        ),
    script:
        "../scripts/prepare_corpus.py"


rule prepare_pairs:
    input:
        files=lambda wc: given(pair_files(wc.task)),
    output:
        pairs="results/data/{task}/prepared.jsonl",
        report="results/data/{task}/prepared.report.json",
    log:
        "results/logs/prepare_pairs/{task}.log",
    benchmark:
        "results/benchmarks/prepare_pairs/{task}.tsv"
    priority: READ_FIRST
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings("prepare_pairs", reads=pair_files(wc.task), **pair_settings(wc.task)),
    script:
        "../scripts/prepare_pairs.py"


rule filter_length:
    input:
        pairs="results/data/{task}/prepared.jsonl",
        tokenizer=given([TOKENIZER])[0],
    output:
        pairs="results/data/{task}/filtered.jsonl",
        report="results/data/{task}/filtered.report.json",
    log:
        "results/logs/filter_length/{task}.log",
    benchmark:
        "results/benchmarks/filter_length/{task}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "filter_length",
            reads=[TOKENIZER],
            **TEMPLATE,
            task=wc.task,
            prompt=CONFIG.tasks[wc.task].prompt,
            max_tokens=CONFIG.tasks[wc.task].max_tokens,
        ),
    script:
        "../scripts/filter_length.py"


rule split_pairs:
    input:
        pairs="results/data/{task}/filtered.jsonl",
    output:
        cold="results/data/{task}/cold.jsonl",
        rl="results/data/{task}/rl.jsonl",
        dev="results/data/{task}/dev.jsonl",
        test="results/data/{task}/test.jsonl",
        report="results/data/{task}/split.report.json",
    log:
        "results/logs/split_pairs/{task}.log",
    benchmark:
        "results/benchmarks/split_pairs/{task}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings("split_pairs", task=wc.task, split=CONFIG.tasks[wc.task].split),
    script:
        "../scripts/split_pairs.py"


rule check_amounts:
    input:
        read_through=ancient(READ_THROUGH),
        cold=expand("results/data/{task}/cold.jsonl", task=TASKS),
        rl=expand("results/data/{task}/rl.jsonl", task=TASKS),
        dev=expand("results/data/{task}/dev.jsonl", task=TASKS),
        test=expand("results/data/{task}/test.jsonl", task=TASKS),
        filtered=expand("results/data/{task}/filtered.report.json", task=TASKS),
        tokenizer=given([TOKENIZER])[0],
        files=given(files_of_amounts()),
    output:
        report="results/data/amounts.json",
    log:
        "results/logs/check_amounts.log",
    benchmark:
        "results/benchmarks/check_amounts.tsv"
    priority: READ_FIRST
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "check_amounts",
            reads=[TOKENIZER, *files_of_amounts()],
            tasks=[to_jsonable_python({"name": task} | amounts_of(task)) for task in TASKS],
            exam=to_jsonable_python(
                {name: getattr(CONFIG.exam, name) for name in ["pairs", "size", "seed"]} | {"trained_on": TRAINED_ON}
            ),
            **TEMPLATE,
            encoders={
                key: {
                    "train": [source.model_dump(mode="json") for source in encoder.train],
                    "batch_size": encoder.batch_size,
                    "least": least_examples(encoder),
                }
                for key, encoder in TUNED.items()
            },
        ),
    script:
        "../scripts/check_amounts.py"


if USER_REWARDS:

    rule check_rewards:
        input:
            rows=expand("results/data/{task}/rl.jsonl", task=TASKS[0])[0],
            user_rewards=given(user_reward_files(USER_REWARDS)),
        output:
            report="results/data/rewards.json",
        log:
            "results/logs/check_rewards.log",
        benchmark:
            "results/benchmarks/check_rewards.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "check_rewards",
                reads=user_reward_files(USER_REWARDS),
                rewards={
                    key: sorted(set(rewards) & set(USER_REWARDS))
                    for key, rewards in CONFIG.rewards().items()
                    if set(rewards) & set(USER_REWARDS)
                },
            ),
        script:
            "../scripts/check_rewards.py"


if REWRITTEN:

    rule rewrite_cold:
        input:
            pairs="results/data/{task}/cold.jsonl",
        output:
            pairs="results/data/{task}/rewritten.jsonl",
            report="results/data/{task}/rewritten.report.json",
        log:
            "results/logs/rewrite_cold/{task}.log",
        benchmark:
            "results/benchmarks/rewrite_cold/{task}.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "rewrite_cold",
                **CONFIG.world.model_dump(mode="json", include=OF_COLD_TARGETS),
            ),
        script:
            "../scripts/rewrite_cold.py"

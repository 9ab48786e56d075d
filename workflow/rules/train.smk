"""The policy: a base made on the spot where none is given, then adapters by SFT and GRPO.

In:  results/data/<task>/{cold,rl,dev}.jsonl, the reward encoder, both exams
Out: results/base/model or results/data/policy.checks.json, results/<task>/<model>/<seed>/adapter with its training
     record
"""


localrules:
    check_grpo,
    take_snapshot,


if PRETRAINING:

    rule train_tokenizer:
        input:
            corpus="results/data/corpus.jsonl",
            lexicon=given(lexicon(PRETRAINING.tokenizer)),
        output:
            tokenizer=directory("results/base/tokenizer"),
        log:
            "results/logs/train_tokenizer.log",
        benchmark:
            "results/benchmarks/train_tokenizer.tsv"
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "train_tokenizer",
                reads=lexicon(PRETRAINING.tokenizer),
                tokenizer=PRETRAINING.tokenizer,
            ),
        script:
            "../scripts/train_tokenizer.py"

    rule train_base:
        input:
            corpus="results/data/corpus.jsonl",
            tokenizer="results/base/tokenizer",
            checked=ancient(CHECKED),
        output:
            model=directory("results/base/model"),
            report="results/base/training.json",
            record="results/base/training.jsonl",
        log:
            "results/logs/train_base.log",
        benchmark:
            "results/benchmarks/train_base.tsv"
        conda:
            ENVIRONMENT
        threads: 2
        resources:
            **model_resources(minutes=240),
        params:
            settings=settings(
                "train_base",
                pretraining=PRETRAINING,
                device=CONFIG.device,
            ),
        script:
            "../scripts/train_base.py"


if CONFIG.policy.path:

    rule check_policy:
        input:
            policy=BASE_INPUT,
        output:
            checks="results/data/policy.checks.json",
        log:
            "results/logs/check_policy.log",
        benchmark:
            "results/benchmarks/check_policy.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=settings("check_policy", reads=[BASE], use=policy_use()),
        script:
            "../scripts/check_policy.py"


rule train_sft:
    input:
        base=BASE_INPUT,
        checked=ancient(CHECKED),
        rows=lambda wc: expand(
            "results/data/{task}/{part}.jsonl",
            task=wc.task,
            part=sft_recipe(wc.model)[1],
        ),
        adapter=lambda wc: start_of(wc.model, wc.seed),
    output:
        adapter=directory("results/{task}/{model}/{seed}/adapter"),
        report="results/{task}/{model}/{seed}/training.json",
        record="results/{task}/{model}/{seed}/training.jsonl",
    log:
        "results/logs/train_sft/{task}-{model}-{seed}.log",
    benchmark:
        "results/benchmarks/train_sft/{task}-{model}-{seed}.tsv"
    wildcard_constraints:
        model=SFT_PATTERN + TRIAL_PATTERN["strong_sft"],
    conda:
        ENVIRONMENT
    threads: PROCESSES
    resources:
        **model_resources(minutes=1440, processes=PROCESSES),
    params:
        settings=lambda wc: settings(
            "train_sft",
            reads=[BASE],
            prompt=CONFIG.tasks[wc.task].prompt,
            sft=sft_recipe(wc.model)[0],
            pairs=sft_recipe(wc.model)[2],
            pairs_key=sft_recipe(wc.model)[3],
            **steps_of(wc.model),
            lora=CONFIG.lora,
            policy=POLICY,
            processes=PROCESSES,
            seed=int(wc.seed),
        ),
    script:
        "../scripts/train_sft.py"


rule measure_threshold:
    input:
        base=BASE_INPUT,
        adapter="results/{task}/cold_sft/{seed}/adapter",
        dev="results/data/{task}/dev.jsonl",
        encoder=lambda wc: f"results/encoders/{THRESHOLDS[wc.threshold]}/model",
    output:
        threshold="results/{task}/cold_sft/{seed}/{threshold}.json",
    log:
        "results/logs/measure_threshold/{task}-{seed}-{threshold}.log",
    benchmark:
        "results/benchmarks/measure_threshold/{task}-{seed}-{threshold}.tsv"
    wildcard_constraints:
        threshold="|".join(THRESHOLDS),
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=60),
    params:
        settings=lambda wc: settings(
            "measure_threshold",
            reads=[BASE],
            prompt=CONFIG.tasks[wc.task].prompt,
            max_new_tokens=CONFIG.tasks[wc.task].max_new_tokens,
            **stops_of(wc.task),
            batch_size=CONFIG.generation_batch_size,
            quantile=CONFIG.rl.threshold_quantile,
            policy=POLICY,
        ),
    script:
        "../scripts/measure_threshold.py"


rule train_grpo:
    input:
        base=BASE_INPUT,
        adapter="results/{task}/cold_sft/{seed}/adapter",
        checked=ancient(CHECKED),
        rows="results/data/{task}/rl.jsonl",
        threshold=lambda wc: threshold_file(wc, rewards_of(wc.model), encoder_of(wc.model)),
        encoder=lambda wc: encoder_folder(rewards_of(wc.model), encoder_of(wc.model)),
        exams=ancient(EXAMS),
        user_rewards=lambda wc: given(user_reward_files(rewards_of(wc.model))),
    output:
        adapter=directory("results/{task}/{model}/{seed}/adapter"),
        report="results/{task}/{model}/{seed}/training.json",
        record="results/{task}/{model}/{seed}/training.jsonl",
        rollouts="results/{task}/{model}/{seed}/rollouts.jsonl",
        snapshots=directory("results/{task}/{model}/{seed}/snapshots"),
    log:
        "results/logs/train_grpo/{task}-{model}-{seed}.log",
    benchmark:
        "results/benchmarks/train_grpo/{task}-{model}-{seed}.tsv"
    wildcard_constraints:
        model=GRPO_PATTERN + TRIAL_PATTERN["rl"],
    priority: 1
    conda:
        ENVIRONMENT
    threads: PROCESSES
    resources:
        **model_resources(minutes=2880, processes=PROCESSES),
    params:
        settings=lambda wc: settings(
            "train_grpo",
            reads=[BASE, *user_reward_files(rewards_of(wc.model))],
            prompt=CONFIG.tasks[wc.task].prompt,
            **stops_of(wc.task),
            language=reward_language(wc.task, rewards_of(wc.model)),
            grpo=grpo_settings(wc.model),
            **steps_of(wc.model),
            policy=POLICY,
            gradient_checkpointing=CONFIG.gradient_checkpointing,
            processes=PROCESSES,
            seed=int(wc.seed),
        ),
    script:
        "../scripts/train_grpo.py"


rule check_grpo:
    input:
        training="results/{task}/{model}/{seed}/training.json",
    output:
        passed="results/{task}/{model}/{seed}/training.passed",
    log:
        "results/logs/check_grpo/{task}-{model}-{seed}.log",
    benchmark:
        "results/benchmarks/check_grpo/{task}-{model}-{seed}.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, CHECKED_GRPO)),
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "check_grpo",
            rl=CONFIG.rl.model_dump(mode="json", include={"max_zero_variance_share"}),
        ),
    script:
        "../scripts/check_grpo.py"


rule take_snapshot:
    input:
        snapshots="results/{task}/rl/{seed}/snapshots",
    output:
        adapter=directory("results/{task}/rl@{step}/{seed}/adapter"),
    log:
        "results/logs/take_snapshot/{task}-{step}-{seed}.log",
    benchmark:
        "results/benchmarks/take_snapshot/{task}-{step}-{seed}.tsv"
    wildcard_constraints:
        step=r"\d+",
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings("take_snapshot", step=int(wc.step)),
    script:
        "../scripts/take_snapshot.py"

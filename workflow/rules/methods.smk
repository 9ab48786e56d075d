"""Rivals and remedies (frontier.methods): what they learn from, their adapters, and answers chosen among samples.

In:  the base, an adapter, results/data/<task>/{cold,rl}.jsonl, the reward encoder, both exams
Out: results/data/replay/<name>.jsonl, results/<task>/candidates/<seed>.jsonl,
     results/<task>/<name>@<strength>/<seed>/adapter with its training record; of a method that trains nothing
     predictions and likelihood
"""

REPLAYS = [name for name, entry in METHODS.items() if "replay" in entry.needs]


if REPLAYS:

    rule prepare_replay:
        input:
            files=lambda wc: given(files(item.source for item in METHODS[wc.name].texts)),
            held_out=[
                *expand(
                    "results/data/{task}/{part}.jsonl",
                    task=TASKS,
                    part=["dev", "test"],
                ),
                *expand("results/data/{name}/test.jsonl", name=[*ANSWERED, *ITEMISED]),
            ],
        output:
            texts="results/data/replay/{name}.jsonl",
            report="results/data/replay/{name}.report.json",
        log:
            "results/logs/prepare_replay/{name}.log",
        benchmark:
            "results/benchmarks/prepare_replay/{name}.tsv"
        wildcard_constraints:
            name="|".join(REPLAYS),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: settings(
                "prepare_replay",
                reads=files(item.source for item in METHODS[wc.name].texts),
                texts=[item.model_dump(mode="json") for item in METHODS[wc.name].texts],
                language=language_settings(METHODS[wc.name].language, script=True),
                prompts={item.task: CONFIG.tasks[item.task].prompt for item in METHODS[wc.name].texts if item.task},
                question_prompt=CONFIG.retention.question_prompt,
            ),
        script:
            "../scripts/prepare_replay.py"


if any("candidates" in entry.needs for entry in METHODS.values()):

    rule sample_candidates:
        input:
            base=BASE_INPUT,
            adapter="results/{task}/cold_sft/{seed}/adapter",
            checked=ancient(CHECKED),
            rows="results/data/{task}/rl.jsonl",
            threshold=lambda wc: threshold_file(wc, CONFIG.rl.rewards),
            encoder=encoder_folder(CONFIG.rl.rewards),
            exams=ancient(EXAMS),
            user_rewards=given(user_reward_files(CONFIG.rl.rewards)),
        output:
            candidates="results/{task}/candidates/{seed}.jsonl",
            report="results/{task}/candidates/{seed}.json",
        log:
            "results/logs/sample_candidates/{task}-{seed}.log",
        benchmark:
            "results/benchmarks/sample_candidates/{task}-{seed}.tsv"
        priority: 1
        conda:
            ENVIRONMENT
        resources:
            **model_resources(minutes=720),
        params:
            settings=lambda wc: settings(
                "sample_candidates",
                reads=[BASE, *user_reward_files(CONFIG.rl.rewards)],
                prompt=CONFIG.tasks[wc.task].prompt,
                **stops_of(wc.task),
                language=reward_language(wc.task, CONFIG.rl.rewards),
                rewards=CONFIG.rl.rewards,
                samples=CONFIG.rl.num_generations,
                temperature=CONFIG.rl.temperature,
                top_p=CONFIG.rl.top_p,
                max_prompt_tokens=CONFIG.rl.max_prompt_tokens,
                max_new_tokens=CONFIG.rl.max_new_tokens,
                batch_size=CONFIG.generation_batch_size,
                policy=POLICY,
                seed=int(wc.seed),
            ),
        script:
            "../scripts/sample_candidates.py"


if TRAINED:

    rule train_method:
        input:
            base=BASE_INPUT,
            checked=ancient(CHECKED),
            adapter=method_adapter,
            pairs=method_pairs,
            candidates=lambda wc: if_needed(wc.model, "candidates", f"results/{wc.task}/candidates/{wc.seed}.jsonl"),
            replay=lambda wc: if_needed(
                wc.model,
                "replay",
                f"results/data/replay/{STRENGTHS[wc.model][0]}.jsonl",
            ),
            threshold=lambda wc: threshold_file(wc, method_rewards(wc.model)),
            encoder=lambda wc: encoder_folder(method_rewards(wc.model)),
            exams=ancient(lambda wc: if_needed(wc.model, "reward", EXAMS)),
            user_rewards=lambda wc: given(user_reward_files(method_rewards(wc.model))),
        output:
            adapter=directory("results/{task}/{model}/{seed}/adapter"),
            report="results/{task}/{model}/{seed}/training.json",
            record="results/{task}/{model}/{seed}/training.jsonl",
        log:
            "results/logs/train_method/{task}-{model}-{seed}.log",
        benchmark:
            "results/benchmarks/train_method/{task}-{model}-{seed}.tsv"
        wildcard_constraints:
            model="|".join(map(re.escape, TRAINED)),
        conda:
            ENVIRONMENT
        threads: PROCESSES
        resources:
            **model_resources(minutes=2880, processes=PROCESSES),
        params:
            settings=lambda wc: method_settings(
                "train_method",
                wc.model,
                reads=[BASE, *user_reward_files(method_rewards(wc.model))],
                name=STRENGTHS[wc.model][0],
                prompt=CONFIG.tasks[wc.task].prompt,
                **method_sampling(wc),
                language=reward_language(wc.task, method_rewards(wc.model)),
                rewards=method_rewards(wc.model),
                recipes=recipes_of(wc.model),
                policy=POLICY,
                processes=PROCESSES,
                seed=int(wc.seed),
            ),
        script:
            "../scripts/train_method.py"


if DECODED:

    # Reading comprehension is answered greedily, as by the model that is sampled from: those answers are taken.
    rule choose_answers:
        input:
            base=BASE_INPUT,
            adapter=method_adapter,
            test="results/data/{task}/test.jsonl",
            shots=lambda wc: shots_of([wc.task]),
            encoder="results/encoders/reward/model",
            exams=ancient(EXAMS),
            predictions=lambda wc: f"results/{wc.task}/{entry_of(wc.model).of}/{wc.seed}/predictions.jsonl",
        output:
            predictions="results/{task}/{model}/{seed}/predictions.jsonl",
        log:
            "results/logs/choose_answers/{task}-{model}-{seed}.log",
        benchmark:
            "results/benchmarks/choose_answers/{task}-{model}-{seed}.tsv"
        wildcard_constraints:
            model="|".join(map(re.escape, DECODED)),
        conda:
            ENVIRONMENT
        resources:
            **model_resources(minutes=240),
        params:
            settings=lambda wc: method_settings(
                "choose_answers",
                wc.model,
                reads=[BASE],
                task=wc.task,
                **answer_settings(CONFIG.tasks[wc.task]),
                batch_size=CONFIG.generation_batch_size,
                policy=POLICY,
                seed=int(wc.seed),
            ),
        script:
            "../scripts/choose_answers.py"


if DECODED and (CONFIG.forgetting or MEASURED):

    localrules:
        copy_likelihood,

    # A model that only answers otherwise gives every text the probability that it gave it before.
    rule copy_likelihood:
        input:
            lambda wc: copied(f"{wc.task}/{entry_of(wc.model).of}/{wc.seed}"),
        output:
            copied("{task}/{model}/{seed}"),
        log:
            "results/logs/copy_likelihood/{task}-{model}-{seed}.log",
        benchmark:
            "results/benchmarks/copy_likelihood/{task}-{model}-{seed}.tsv"
        wildcard_constraints:
            model="|".join(map(re.escape, DECODED)),
        conda:
            ENVIRONMENT
        params:
            settings=settings("copy_likelihood"),
        script:
            "../scripts/copy_likelihood.py"

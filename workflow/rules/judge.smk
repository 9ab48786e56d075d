"""Blind pairwise comparison of RL with strong SFT, each item in both orders.

In:  the predictions of both, results/data/<task>/test.jsonl
Out: results/<task>/judge/<seed>.{jsonl,json}: verdicts by item, and the summary
     results/judge_cache/: a language model's answers, kept whatever reruns (no rule's output)
"""


localrules:
    judge_pairs,


rule judge_pairs:
    input:
        test="results/data/{task}/test.jsonl",
        strong_sft="results/{task}/strong_sft/{seed}/predictions.jsonl",
        rl="results/{task}/rl/{seed}/predictions.jsonl",
    output:
        verdicts="results/{task}/judge/{seed}.jsonl",
    log:
        "results/logs/judge_pairs/{task}-{seed}.log",
    benchmark:
        "results/benchmarks/judge_pairs/{task}-{seed}.tsv"
    conda:
        ENVIRONMENT
    resources:
        judge=int(CONFIG.judge.kind == "openai"),
    params:
        settings=lambda wc: settings(
            "judge_pairs",
            task=wc.task,
            seed=int(wc.seed),
            **judge_settings(wc.task),
            **asked_again(),
        ),
    script:
        "../scripts/judge_pairs.py"


rule summarise_verdicts:
    input:
        verdicts="results/{task}/judge/{seed}.jsonl",
        votes=lambda wc: given(vote_files(wc.task, wc.seed)),
    output:
        summary="results/{task}/judge/{seed}.json",
    log:
        "results/logs/summarise_verdicts/{task}-{seed}.log",
    benchmark:
        "results/benchmarks/summarise_verdicts/{task}-{seed}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "summarise_verdicts",
            reads=vote_files(wc.task, wc.seed),
            statistics=CONFIG.statistics.model_dump(mode="json", exclude={"primary"}),
            votes=votes_on(wc.task, wc.seed),
            **judge_settings(wc.task),
        ),
    script:
        "../scripts/summarise_verdicts.py"

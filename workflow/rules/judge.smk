"""Blind pairwise comparison of RL with strong SFT, each item in both orders.

In:  the predictions of both, results/data/<task>/test.jsonl
Out: results/<task>/judge/<seed>.{jsonl,json}: verdicts by item, and the summary
"""


rule judge_pairs:
    input:
        test="results/data/{task}/test.jsonl",
        strong_sft="results/{task}/strong_sft/{seed}/predictions.jsonl",
        rl="results/{task}/rl/{seed}/predictions.jsonl",
    output:
        verdicts="results/{task}/judge/{seed}.jsonl",
        summary="results/{task}/judge/{seed}.json",
    log:
        "results/logs/judge_pairs/{task}-{seed}.log",
    benchmark:
        "results/benchmarks/judge_pairs/{task}-{seed}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "judge_pairs", task=wc.task, judge=CONFIG.judge, seed=int(wc.seed)
        ),
    script:
        "../scripts/judge_pairs.py"

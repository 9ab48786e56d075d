"""Blind pairwise comparison of RL with strong SFT, and of models trained elsewhere with their opponents, each item in
both orders.

In:  the predictions of both, results/data/<task>/test.jsonl
Out: results/<task>/judge/<comparison>.{jsonl,json}: verdicts by item, and the summary
     results/judge_cache/: a language model's answers, kept whatever reruns (no rule's output)
"""


localrules:
    judge_pairs,


rule judge_pairs:
    input:
        test="results/data/{task}/test.jsonl",
        first=lambda wc: answers_of(wc.task, wc.comparison, "first"),
        second=lambda wc: answers_of(wc.task, wc.comparison, "second"),
    output:
        verdicts="results/{task}/judge/{comparison}.jsonl",
    log:
        "results/logs/judge_pairs/{task}-{comparison}.log",
    benchmark:
        "results/benchmarks/judge_pairs/{task}-{comparison}.tsv"
    wildcard_constraints:
        comparison=COMPARISON_PATTERN,
    conda:
        ENVIRONMENT
    resources:
        judge=int(CONFIG.judge.kind == "openai"),
    params:
        settings=lambda wc: settings(
            "judge_pairs",
            task=wc.task,
            seed=compared(wc.comparison)[1],
            models=compared(wc.comparison)[0].labels,
            **judge_settings(wc.task),
            **asked_again(),
        ),
    script:
        "../scripts/judge_pairs.py"


rule summarise_verdicts:
    input:
        verdicts="results/{task}/judge/{comparison}.jsonl",
        votes=lambda wc: given(vote_files(wc.task, wc.comparison)),
    output:
        summary="results/{task}/judge/{comparison}.json",
    log:
        "results/logs/summarise_verdicts/{task}-{comparison}.log",
    benchmark:
        "results/benchmarks/summarise_verdicts/{task}-{comparison}.tsv"
    wildcard_constraints:
        comparison=COMPARISON_PATTERN,
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "summarise_verdicts",
            reads=vote_files(wc.task, wc.comparison),
            models=compared(wc.comparison)[0].labels,
            statistics=STATISTICS,
            votes=votes_on(wc.task, wc.comparison),
            **judge_settings(wc.task),
        ),
    script:
        "../scripts/summarise_verdicts.py"

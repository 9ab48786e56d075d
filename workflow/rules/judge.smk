"""Blind pairwise comparison of RL with strong SFT, each item in both orders.

In:  the predictions of both, results/data/<task>/test.jsonl
Out: results/<task>/judge/<seed>.{jsonl,json}: verdicts by item, and the summary
     results/judge_cache/: a language model's answers, kept whatever reruns (no rule's output)
"""

# With its defaults, for jobs: how servers are asked, on which no rule's result depends.
config["judge"] = CONFIG.judge.model_dump(mode="json")


def judge_settings(task):
    """What a task's verdicts depend on."""
    if CONFIG.judge.kind == "openai":
        template = read_template(task, CONFIG.judge.prompts)
        return {"judge": CONFIG.judge.asked(), "prompt": template}
    return {"judge": {"kind": CONFIG.judge.kind}, "prompt": None}


def votes_on(task, seed):
    """People's votes on a run's answers; None where the config has none."""
    votes = CONFIG.judge.human_votes.get(task) if CONFIG.judge.kind == "openai" else None
    return votes if votes and votes.seed == int(seed) else None


def vote_files(task, seed):
    """Their file, in a list."""
    votes = votes_on(task, seed)
    return [votes.path] if votes else []


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
            "judge_pairs", task=wc.task, seed=int(wc.seed), **judge_settings(wc.task)
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

"""Searches on dev: their trials beside the config's own values, and the overlay that follows.

In:  results/<task>/<model>/<seed>/dev/scores/{text,similarity}.{json,jsonl}, and the trainings' reports
Out: results/search/<name>.{csv,md,tex,json,yaml}
"""


localrules:
    search,


rule search:
    input:
        lambda wc: search_tables(),


if SEARCHES:

    rule tabulate_search:
        input:
            scores=lambda wc: scores(dev_runs(wc.name)),
            retention=lambda wc: kept(dev_runs(wc.name), KEPT_FIRST if SEARCHES[wc.name].retention else []),
            training=lambda wc: expand("results/{run}/training.json", run=searched_runs(wc.name)),
            gates=ancient(lambda wc: gates(searched_runs(wc.name))),
        output:
            **written("search/{name}"),
            overlay="results/search/{name}.yaml",
        log:
            "results/logs/tabulate_search/{name}.log",
        benchmark:
            "results/benchmarks/tabulate_search/{name}.tsv"
        wildcard_constraints:
            name="|".join(SEARCHES),
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: settings(
                "tabulate_search",
                name=wc.name,
                **search_settings(wc.name),
                thresholds=CONFIG.audit.thresholds,
                max_zero_variance_share=CONFIG.rl.max_zero_variance_share,
                statistics=STATISTICS,
            ),
        script:
            "../scripts/tabulate_search.py"

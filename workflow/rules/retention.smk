"""The items of the retention benchmarks, and the passages on which forgetting is measured.

In:  the benchmarks' files
Out: results/data/<benchmark>/{test,shots,passages}.jsonl
"""


rule prepare_questions:
    input:
        files=lambda wc: given(files(BENCHMARKS[wc.name].test)),
    output:
        questions="results/data/{name}/test.jsonl",
        report="results/data/{name}/test.report.json",
    log:
        "results/logs/prepare_questions/{name}.log",
    benchmark:
        "results/benchmarks/prepare_questions/{name}.tsv"
    wildcard_constraints:
        name="|".join(CONFIG.retention.extractive) or "none",
    priority: READ_FIRST
    conda:
        ENVIRONMENT
    params:
        settings=lambda wc: settings(
            "prepare_questions",
            reads=files(BENCHMARKS[wc.name].test),
            key=f"retention.benchmarks.{wc.name}.test",
            test=to_jsonable_python(BENCHMARKS[wc.name].test),
            limit=BENCHMARKS[wc.name].limit,
            unanswerable=BENCHMARKS[wc.name].rules == "squad",
        ),
    script:
        "../scripts/prepare_questions.py"


if ITEMISED:

    rule prepare_items:
        input:
            files=lambda wc: given(files(BENCHMARKS[wc.name].test)),
        output:
            tests="results/data/{name}/test.jsonl",
            report="results/data/{name}/test.report.json",
        log:
            "results/logs/prepare_items/{name}.log",
        benchmark:
            "results/benchmarks/prepare_items/{name}.tsv"
        wildcard_constraints:
            name="|".join(ITEMISED),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: settings(
                "prepare_items",
                reads=files(BENCHMARKS[wc.name].test),
                key=f"retention.benchmarks.{wc.name}.test",
                entry=item_settings(wc.name),
            ),
        script:
            "../scripts/prepare_items.py"


if SHOTS:

    rule draw_shots:
        input:
            files=lambda wc: given(shot_files(wc.name)),
            pairs=lambda wc: training_pairs(wc.name),
            test="results/data/{name}/test.jsonl",
        output:
            shots="results/data/{name}/shots.jsonl",
            report="results/data/{name}/shots.report.json",
        log:
            "results/logs/draw_shots/{name}.log",
        benchmark:
            "results/benchmarks/draw_shots/{name}.tsv"
        wildcard_constraints:
            name="|".join(SHOTS),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: settings("draw_shots", reads=shot_files(wc.name), **shot_settings(wc.name)),
        script:
            "../scripts/draw_shots.py"


if CONFIG.forgetting:

    rule select_passages:
        input:
            questions=f"results/data/{PASSAGES_OF}/test.jsonl",
        output:
            passages=f"results/data/{PASSAGES_OF}/passages.jsonl",
            report=f"results/data/{PASSAGES_OF}/passages.report.json",
        log:
            "results/logs/select_passages.log",
        benchmark:
            "results/benchmarks/select_passages.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=settings(
                "select_passages",
                passages=CONFIG.forgetting.passages,
                sha256=CONFIG.forgetting.sha256,
            ),
        script:
            "../scripts/select_passages.py"

"""The sentence encoders: one rewards, one only measures, and those of the ablation reward one RL run each.

In:  the tables named under `encoders.<name>.train` and `encoder_ablation.encoders.<name>.train`; the exam's pairs and
     probes
Out: results/encoders/pretrained.json where one is pretrained; results/encoders/<name>/model, its exam, and for the
     first two the gate that tables require
"""


localrules:
    check_encoder,


if PRETRAINED:

    rule check_encoders:
        input:
            given(sorted({path for path, _ in PRETRAINED})),
        output:
            report="results/encoders/pretrained.json",
        log:
            "results/logs/check_encoders.log",
        benchmark:
            "results/benchmarks/check_encoders.tsv"
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        resources:
            mem_mb=3000,
            runtime=60,
        params:
            settings=settings(
                "check_encoders",
                reads=[path for path, _ in PRETRAINED],
                encoders={
                    key: {"path": path, "max_tokens": max_tokens} for (path, max_tokens), key in PRETRAINED.items()
                },
            ),
        script:
            "../scripts/check_encoders.py"


rule train_encoder:
    input:
        files=lambda wc: given(encoder_files(ALL_ENCODERS[wc.encoder])),
        checked=ancient(CHECKED),
        held_out=expand("results/data/{task}/{part}.jsonl", task=TASKS, part=["dev", "test"]),
    output:
        model=directory("results/encoders/{encoder}/model"),
        report="results/encoders/{encoder}/training.json",
    log:
        "results/logs/train_encoder/{encoder}.log",
    benchmark:
        "results/benchmarks/train_encoder/{encoder}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=240),
    params:
        settings=lambda wc: settings(
            "train_encoder",
            reads=encoder_files(ALL_ENCODERS[wc.encoder]),
            key=encoder_key(wc.encoder),
            encoder=encoder_settings(ALL_ENCODERS[wc.encoder]),
            device=CONFIG.device,
        ),
    script:
        "../scripts/train_encoder.py"


rule examine_encoder:
    input:
        model="results/encoders/{encoder}/model",
        files=lambda wc: given(exam_files(ALL_ENCODERS[wc.encoder])),
        held_out=expand("results/data/{task}/{part}.jsonl", task=TASKS, part=["dev", "test"]),
    output:
        exam="results/encoders/{encoder}/exam.json",
    log:
        "results/logs/examine_encoder/{encoder}.log",
    benchmark:
        "results/benchmarks/examine_encoder/{encoder}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **model_resources(minutes=60),
    params:
        settings=lambda wc: settings(
            "examine_encoder",
            reads=exam_files(ALL_ENCODERS[wc.encoder]),
            exam=CONFIG.exam.model_dump(mode="json", exclude={"thresholds"}),
            train=[source.model_dump(mode="json") for source in ALL_ENCODERS[wc.encoder].train],
            device=CONFIG.device,
        ),
    script:
        "../scripts/examine_encoder.py"


# A rule of its own, so that a failed exam leaves its report to be read. Tables require it; what a reward trains makes
# the same check by itself.
rule check_encoder:
    input:
        exams="results/encoders/{encoder}/exam.json",
    output:
        passed="results/encoders/{encoder}/exam.passed",
    log:
        "results/logs/check_encoder/{encoder}.log",
    benchmark:
        "results/benchmarks/check_encoder/{encoder}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "check_encoder",
            exam=CONFIG.exam.model_dump(mode="json", include={"thresholds"}),
        ),
    script:
        "../scripts/check_encoder.py"

"""What the config's `downloads` name, fetched where the network is, and a table of every source and its licence.

In:  nothing, or the folder that the config's `mirror` names
Out: results/downloads/<name>[/<file>], results/sources/<name>[/<file>].json: what was fetched; results/sources.{csv,md}
"""


localrules:
    list_sources,
    downloads,


if FILES_FETCHED:

    localrules:
        download_file,

    # Neither rule depends on code: a file is what its address and its hash say.
    rule download_file:
        output:
            file="results/downloads/{download}/{file}",
            record="results/sources/{download}/{file}.json",
        log:
            "results/logs/download_file/{download}/{file}.log",
        benchmark:
            "results/benchmarks/download_file/{download}/{file}.tsv"
        wildcard_constraints:
            download="|".join(map(re.escape, sorted(FILES_FETCHED))),
            file="|".join(sorted({re.escape(name) for names in FILES_FETCHED.values() for name in names})),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: download_settings(wc.download, wc.file),
        script:
            "../scripts/download_file.py"


if MODELS_FETCHED:

    localrules:
        download_model,

    rule download_model:
        output:
            model=directory("results/downloads/{download}"),
            record="results/sources/{download}.json",
        log:
            "results/logs/download_model/{download}.log",
        benchmark:
            "results/benchmarks/download_model/{download}.tsv"
        wildcard_constraints:
            download="|".join(map(re.escape, MODELS_FETCHED)),
        priority: READ_FIRST
        conda:
            ENVIRONMENT
        params:
            settings=lambda wc: download_settings(wc.download),
        script:
            "../scripts/download_model.py"


rule downloads:
    input:
        expand("results/downloads/{name}", name=MODELS_FETCHED),
        [f"results/downloads/{name}/{file}" for name, files_ in FILES_FETCHED.items() for file in files_],


rule list_sources:
    input:
        records=SOURCE_RECORDS,
    output:
        csv="results/sources.csv",
        markdown="results/sources.md",
    log:
        "results/logs/list_sources.log",
    benchmark:
        "results/benchmarks/list_sources.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings(
            "list_sources",
            reads=[path for path in SOURCE_KEYS if not path.startswith("results")],
            keys=SOURCE_KEYS,
            downloads={
                name: entry.model_dump(mode="json", include={"licence", "about"})
                for name, entry in CONFIG.downloads.items()
                if name in {path.split("/")[2] for path in FETCHED_AND_READ}
            },
            licences=CONFIG.licences,
        ),
    script:
        "../scripts/list_sources.py"

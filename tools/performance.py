"""Print what each rule of a finished run cost, as a Markdown table: `python tools/performance.py [results]`.

Wall seconds and peak memory come from Snakemake's benchmark files, model seconds from the provenance files.
"""

import json
import sys
from pathlib import Path

import pandas as pd


def benchmarks(results: Path) -> pd.DataFrame:
    """One row a job: rule, seconds, peak_mib."""
    folder = results / "benchmarks"
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        job = pd.read_csv(path, sep="\t").iloc[0]
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        rows.append({"rule": rule, "seconds": job["s"], "peak_mib": job["max_rss"]})
    return pd.DataFrame(rows)


def model_seconds(results: Path) -> pd.Series:
    """Seconds of model computation by rule."""
    records = [json.loads(path.read_text()) for path in results.rglob("*.provenance.json")]
    frame = pd.DataFrame([{"rule": r["rule"], "model_seconds": r["model_seconds"]} for r in records])
    return frame.groupby("rule")["model_seconds"].sum()


def main(results: Path) -> None:
    table = (
        benchmarks(results)
        .groupby("rule")
        .agg(jobs=("seconds", "size"), seconds=("seconds", "sum"), peak_mib=("peak_mib", "max"))
    )
    table["model_seconds"] = model_seconds(results)
    table = table.sort_values("seconds", ascending=False)
    print("| rule | jobs | seconds | of these, model | peak MiB of a job |\n|---|---|---|---|---|")
    for rule, row in table.iterrows():
        print(f"| {rule} | {row.jobs:.0f} | {row.seconds:.1f} | {row.model_seconds:.1f} | {row.peak_mib:.0f} |")
    total, model = table["seconds"].sum(), table["model_seconds"].sum()
    print(f"| all | {table['jobs'].sum():.0f} | {total:.1f} | {model:.1f} | {table['peak_mib'].max():.0f} |")
    print(f"\nNot model computation: {1 - model / total:.0%} of the seconds.")


main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))

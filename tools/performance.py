"""Print what each rule of a finished run cost, as a Markdown table: `python tools/performance.py [results]`.

Wall seconds and peak memory come from Snakemake's benchmark files, model seconds from the provenance files.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from semalign.reporting.performance import by_rule, measured, records


def main(results: Path) -> None:
    table = by_rule(measured(records(results), results.parent))
    print("| rule | jobs | seconds | of these, model | peak MiB of a job |\n|---|---|---|---|---|")
    for rule, row in table.iterrows():
        print(f"| {rule} | {row.jobs:.0f} | {row.seconds:.1f} | {row.model_seconds:.1f} | {row.peak_mib:.0f} |")
    total, model = table["seconds"].sum(), table["model_seconds"].sum()
    print(f"| all | {table['jobs'].sum():.0f} | {total:.1f} | {model:.1f} | {table['peak_mib'].max():.0f} |")
    print(f"\nNot model computation: {1 - model / total:.0%} of the seconds.")
    if without := int(table["without"].sum()):
        print(f"{without} jobs have no benchmark file: their seconds are not counted.")


main(Path(sys.argv[1] if len(sys.argv) > 1 else "results").resolve())

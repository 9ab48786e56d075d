"""Tests of RL against strong SFT and against its cold start."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.statistics.comparison_notes import note, shown
from semalign.statistics.comparisons import Request, compare
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    request = Request(Path("results"), **settings)
    frame = compare(request)
    text = note(request.statistics, len(request.seeds), request.retention, request.trained)
    of_all = set(frame.loc[frame["seed"] == "all", "test"]) | {"sacrebleu paired bootstrap (p)"}
    brief = shown(frame[(frame["seed"] == "all") | ~frame["test"].isin(of_all)])
    part = Part(shown(frame), text, keys=5, latex=brief, latex_note="Seeds one by one stand in the CSV.")
    made = {"statistics": settings["statistics"], "seeds": settings["seeds"], "signature": SIGNATURE, "note": text}
    write_table(output, frame, [part], made)


SIGNATURE = "|".join(f"{name}:{version(name)}" for name in ("scipy", "statsmodels", "sacrebleu"))

job.run(main, snakemake)

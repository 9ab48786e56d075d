"""The frontier of all methods: their curves, and what each costs at equal adequacy."""

from pathlib import Path
from typing import Any

import pandas as pd

from semalign.config.statistics import Statistics
from semalign.frontier import curves, verdict
from semalign.frontier.taxes import Request, taxes
from semalign.runtime import job
from semalign.runtime.files import replacing, write_json
from semalign.statistics import runs
from semalign.statistics.retained import Retained
from semalign.statistics.verdicts import of_rl, remark
from semalign.tables.spreadsheets import write_csv
from semalign.tables.tables import frame_latex, frame_markdown

RESULTS = Path("results")
POINTS = (
    "Every point, mean ± standard deviation over seeds (ddof 1). What a strength counts, and the model at its weakest: "
)


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    asked = {name: settings[name] for name in ("tasks", "seeds", "forgetting")}
    asked |= {"curves": curves.in_order(settings["curves"])}
    retention = [Retained(**entry) for entry in settings["retention"]]
    frame = curves.collect(RESULTS, **asked, retention=retention)
    found = taxes(
        Request(RESULTS, **asked, statistics=Statistics.model_validate(settings["statistics"]), primary=retention[0])
    )
    write_csv(output.csv, frame)
    write_csv(output.taxes, pd.DataFrame([tax.record() for tax in found]))
    text = verdict.note(found, len(settings["seeds"]))
    bars, confidence = settings["thresholds"], settings["statistics"]["confidence"]
    audited = [of_rl(RESULTS, task, seed, bars, confidence) for task in settings["tasks"] for seed in settings["seeds"]]
    remarks = list(filter(None, map(remark, audited)))
    strengths = f"{POINTS}{curves.strengths(asked['curves'])}."
    with replacing(output.markdown) as file:
        file.write(frame_markdown(verdict.table(found), text, remarks) + "\n")
        file.write(frame_markdown(curves.shown(frame), strengths))
    with replacing(output.latex) as file:
        file.write(
            frame_latex(verdict.table(found), "\n".join([text, *remarks]), keys=3)
            + frame_latex(curves.shown(frame), strengths, keys=4)
        )
    measured = dict.fromkeys(runs.name(row.task, row.model, row.seed) for row in frame.itertuples())
    content = {
        "answers": verdict.answers(found),
        "taxes": [tax.record() | {"by_seed": tax.values} for tax in found],
        "runs": {name: runs.details(RESULTS, name, retention) for name in measured},
        "multiplicity": verdict.multiplicity(found, len(settings["seeds"])),
        "units": {name: curve["unit"] for name, curve in asked["curves"].items()},
        "note": text,
        "remarks": remarks,
        "strengths": strengths,
    }
    write_json(output.sidecar, content)


job.run(main, snakemake)

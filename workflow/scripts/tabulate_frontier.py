"""The frontier of all methods: their curves, and what each costs at equal adequacy."""

from pathlib import Path
from typing import Any

import pandas as pd

from semalign.config.statistics import Statistics
from semalign.frontier import curves, verdict
from semalign.frontier.taxes import Request, taxes
from semalign.runtime import job
from semalign.statistics import runs
from semalign.statistics.retained import Retained
from semalign.statistics.verdicts import of_rl, remark
from semalign.tables.spreadsheets import write_csv
from semalign.tables.writing import Part, write_table

RESULTS = Path("results")
POINTS = (
    "Every point, mean ± standard deviation over seeds (ddof 1). What a strength counts, and the model at its weakest: "
)


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    asked = {name: settings[name] for name in ("tasks", "seeds", "forgetting")}
    asked |= {"curves": curves.in_order(settings["curves"])}
    retention = [Retained(**entry) for entry in settings["retention"]]
    given = curves.given(settings.get("given", {}))
    points = asked | {"curves": asked["curves"] | given}
    frame = curves.collect(RESULTS, **points, retention=retention)
    found = taxes(
        Request(RESULTS, **asked, statistics=Statistics.model_validate(settings["statistics"]), primary=retention[0])
    )
    write_csv(output.taxes, pd.DataFrame([tax.record() for tax in found]))
    text = verdict.note(found, len(settings["seeds"]))
    thresholds, confidence = settings["thresholds"], settings["statistics"]["confidence"]
    audited = [
        of_rl(RESULTS, task, seed, thresholds, confidence) for task in settings["tasks"] for seed in settings["seeds"]
    ]
    remarks = list(filter(None, map(remark, audited)))
    strengths = f"{POINTS}{curves.strengths(asked['curves'])}."
    equal = Part(verdict.table(found), text, keys=3, remarks=remarks)
    measured = dict.fromkeys(
        runs.name(task, model, seed)
        for task in settings["tasks"]
        for seed in settings["seeds"]
        for curve in points["curves"].values()
        for _, model in curve["points"]
    )
    content = {
        "answers": verdict.answers(found),
        "taxes": [tax.record() | {"by_seed": tax.values} for tax in found],
        "runs": {name: runs.details(RESULTS, name, retention) for name in measured},
        "multiplicity": verdict.multiplicity(found, len(settings["seeds"])),
        "units": {name: curve["unit"] for name, curve in points["curves"].items()},
        "note": text,
        "remarks": remarks,
        "strengths": strengths,
    }
    every = curves.shown(frame, alone={"base", *given})
    write_table(output, frame, [equal, Part(every, strengths, keys=4)], content)


job.run(main, snakemake)

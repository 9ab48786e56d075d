"""The reward audit of every run, from rollouts and test outputs."""

from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.runtime.files import read_json, replacing, write_json
from semalign.statistics.verdicts import by_run, remark
from semalign.tables.audit_table import NOTE, Request, collect, shown
from semalign.tables.spreadsheets import write_csv
from semalign.tables.tables import frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    names = ("tasks", "seeds", "models", "rl_models", "started", "thresholds", "confidence")
    frame, verdicts = collect(Request(Path("results"), **{name: settings[name] for name in names}))
    remarks = list(filter(None, dict.fromkeys(map(remark, verdicts))))
    write_csv(output.csv, frame)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(shown(frame), NOTE, remarks))
    with replacing(output.latex) as file:
        file.write(frame_latex(shown(frame), NOTE, keys=3))
    rollouts = {str(Path(path).parent.relative_to("results")): read_json(path) for path in input.rollouts}
    tests = {
        str(Path(path).parent.parent.relative_to("results")): {
            task: {name: scored[name] for name in ("n", "empty", "truncated", "audit")}
            for task, scored in read_json(path).items()
            if "audit" in scored
        }
        for path in input.scores
        if path.endswith("text.json")
    }
    verdicts_by_run = {"audit": by_run(verdicts), "remarks": remarks}
    write_json(output.sidecar, {"note": NOTE, "rollouts": rollouts, "test": tests} | verdicts_by_run)


job.run(main, snakemake)

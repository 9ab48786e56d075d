"""The reward audit of every run, from rollouts and test outputs."""

from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.runtime.files import read_json
from semalign.statistics.verdicts import by_run, remark
from semalign.tables.audit_table import NOTE, Request, collect, shown
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    frame, verdicts = collect(Request(Path("results"), **settings))
    remarks = list(filter(None, dict.fromkeys(map(remark, verdicts))))
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
    part = Part(shown(frame), NOTE, keys=3, remarks=remarks)
    write_table(output, frame, [part], {"note": NOTE, "rollouts": rollouts, "test": tests} | verdicts_by_run)


job.run(main, snakemake)

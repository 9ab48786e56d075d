"""Reward encoders compared: each one's exam beside what RL with it reaches."""

from pathlib import Path
from typing import Any

from semalign.config.models import ExamThresholds
from semalign.config.statistics import Statistics
from semalign.runtime import job
from semalign.runtime.files import replacing, write_json
from semalign.statistics.retained import Retained
from semalign.tables.encoder_table import Request, build
from semalign.tables.spreadsheets import write_csv
from semalign.tables.tables import frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    table = build(
        Request(
            Path("results"),
            thresholds=ExamThresholds.model_validate(settings["thresholds"]),
            statistics=Statistics.model_validate(settings["statistics"]),
            retention=[Retained(**entry) for entry in settings["retention"]],
            **{name: settings[name] for name in ("task", "models", "starts", "seeds")},
        )
    )
    lines = table.lines()
    write_csv(output.csv, table.frame())
    with replacing(output.markdown) as file:
        file.write(frame_markdown(lines, table.note))
    with replacing(output.latex) as file:
        file.write(frame_latex(lines.drop(columns="made"), table.note, keys=4))
    write_json(output.sidecar, table.sidecar)


job.run(main, snakemake)

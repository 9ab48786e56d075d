"""Reward encoders compared: each one's exam beside what RL with it reaches."""

from pathlib import Path
from typing import Any

from semalign import job
from semalign.config.experiments import Statistics
from semalign.config.models import ExamBars
from semalign.encoder_table import Request, build
from semalign.files import replacing, write_json
from semalign.tables import CSV_DIGITS, frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    table = build(
        Request(
            Path("results"),
            bars=ExamBars.model_validate(settings["bars"]),
            statistics=Statistics.model_validate(settings["statistics"]),
            **{name: settings[name] for name in ("task", "models", "starts", "seeds")},
        )
    )
    lines = table.lines()
    with replacing(output.csv) as file:
        table.frame().to_csv(file, index=False, float_format=CSV_DIGITS)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(lines, table.note))
    with replacing(output.latex) as file:
        file.write(frame_latex(lines.drop(columns="made"), table.note, keys=4))
    write_json(output.sidecar, table.sidecar)


job.run(main, snakemake)

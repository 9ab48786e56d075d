"""The reward audit of every run, from rollouts and test outputs."""

from pathlib import Path
from typing import Any

from semalign import job
from semalign.audit_table import NOTE, collect, shown
from semalign.files import read_json, replacing, write_json
from semalign.tables import CSV_DIGITS, frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    names = ("tasks", "seeds", "models", "rl_models")
    frame = collect(Path("results"), **{name: settings[name] for name in names})
    with replacing(output.csv) as file:
        frame.to_csv(file, index=False, float_format=CSV_DIGITS)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(shown(frame), NOTE))
    with replacing(output.latex) as file:
        file.write(frame_latex(shown(frame), NOTE, keys=3))
    write_json(output.sidecar, {"note": NOTE, "rollouts": {path: read_json(path) for path in input.rollouts}})


job.run(main, snakemake)

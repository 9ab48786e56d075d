"""The frontier of SFT and RL: what each costs at equal adequacy."""

from pathlib import Path
from typing import Any

from semalign import job, runs
from semalign.files import replacing, write_json
from semalign.frontier import collect, matches, note, shown
from semalign.tables import CSV_DIGITS, frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    names = ("tasks", "seeds", "sft_pairs", "rl_steps", "mechanism")
    frame = collect(Path("results"), **{name: settings[name] for name in names})
    found = matches(frame)
    text = note(found)
    with replacing(output.csv) as file:
        frame.to_csv(file, index=False, float_format=CSV_DIGITS)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(shown(frame), text))
    with replacing(output.latex) as file:
        file.write(frame_latex(shown(frame), text, keys=4))
    names = dict.fromkeys(runs.name(row.task, row.model, row.seed) for row in frame.itertuples())
    details = {name: runs.details(Path("results"), name) for name in names}
    write_json(output.sidecar, {"matched": [match.record() for match in found], "runs": details, "note": text})


job.run(main, snakemake)

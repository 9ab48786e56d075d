"""Table 3: what each method gains in its task and costs in reading comprehension."""

from pathlib import Path
from typing import Any

from semalign import job
from semalign.files import read_json, replacing, write_json
from semalign.table3 import collect, markdown, rows


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    scores = collect(
        Path("results"), settings["tasks"], settings["models"], settings["seeds"], judged=bool(input.judge)
    )
    table = rows(scores)
    with replacing(output.csv) as file:
        table.to_csv(file, index=False)
    with replacing(output.markdown) as file:
        file.write(markdown(table))
    exams = {Path(path).parent.name: read_json(path) for path in input.exams}
    write_json(output.sidecar, scores.sidecar() | {"encoder_exams": exams})


job.run(main, snakemake)

"""Stop where GRPO had too little to learn from: groups whose completions all earned the same give no gradient."""

from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    share, most = read_json(input.report)["zero_variance_group_share"], settings["max_zero_variance_share"]
    if share > most:
        raise InputError(
            f"{input.report}: {share:.0%} of the groups had equal rewards (rl.max_zero_variance_share = {most:.0%}): "
            "GRPO learns nothing from them; check τ and the temperature, or raise the share"
        )
    Path(output.passed).touch()


job.run(main, snakemake)

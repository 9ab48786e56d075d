"""The cold start's pairs with their targets as the world says: details left out, scripts mixed."""

from typing import Any

from semalign.miniature.cold_start import cold_start_targets
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows, report = cold_start_targets(read_jsonl(input.pairs), settings["left_out"], settings["mixed_share"])
    write_jsonl(output.pairs, rows)
    write_json(output.report, report)


job.run(main, snakemake)

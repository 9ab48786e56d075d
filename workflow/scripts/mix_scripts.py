"""The cold start's pairs with Chinese words among a share of their Tibetan targets."""

from typing import Any

from semalign.miniature.mixing import mix_targets
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows, report = mix_targets(read_jsonl(input.pairs), settings["share"])
    write_jsonl(output.pairs, rows)
    write_json(output.report, report)


job.run(main, snakemake)

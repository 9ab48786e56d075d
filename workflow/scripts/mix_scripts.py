"""The cold start's pairs with Chinese words among a share of their Tibetan targets."""

from typing import Any

from semalign import job
from semalign.files import read_jsonl, write_json, write_jsonl
from semalign.miniature.mixing import mix_targets


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows, report = mix_targets(read_jsonl(input.pairs), settings["share"])
    write_jsonl(output.pairs, rows)
    write_json(output.report, report)


job.run(main, snakemake)

"""Say what made a result: which config, data, code, versions, seeds, command and inputs, back to the raw data.

    python tools/provenance.py results/table3.csv [--json]

Run it in the folder that holds `results`.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from semalign.reporting.lineage import describe, lineage
from semalign.runtime.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artefact", help="a file or folder under results")
    parser.add_argument("--json", action="store_true", help="every job's whole record")
    arguments = parser.parse_args()
    try:
        found = lineage(arguments.artefact, Path.cwd())
    except InputError as error:
        sys.exit(str(error))
    print(
        json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=2)
        if arguments.json
        else describe(arguments.artefact, found)
    )


main()

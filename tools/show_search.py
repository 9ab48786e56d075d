"""Show the searches that a config declares, of a finished run: python -m tools.show_search [overlay.yaml …]"""

import sys
from pathlib import Path
from textwrap import fill

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from semalign.preflight.root import validate
from semalign.runtime.files import read_json
from semalign.tables.summary import WIDTH, summary
from tools.planning.dag import merged


def main(overlays: list[Path]) -> None:
    """Print of each search its best trials, what is recommended, and where that lies."""
    for name in validate(merged(overlays)).search or {}:
        table = Path("results", "search", f"{name}.csv")
        said = read_json(table.with_suffix(".json"))["recommendation"]["text"]
        print(f"{name}\n{summary(table)}\n{fill(said, WIDTH)}")
        print(f"semalign: all of it is in {table.with_suffix('.md')}, the overlay in {table.with_suffix('.yaml')}\n")


if __name__ == "__main__":
    main(list(map(Path, sys.argv[1:])))

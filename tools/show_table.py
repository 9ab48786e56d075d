"""Show a table of a finished run on the terminal: python tools/show_table.py results/table3.csv"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from semalign.tables.summary import summary


def main(path: Path) -> None:
    """Print its summary; a table that has none as it is written for reading."""
    print(summary(path) or path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

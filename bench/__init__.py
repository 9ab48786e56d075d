"""Benchmarks of the code that users run, and the floors that they are compared with. From the project's folder:
`python -m bench.run`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "workflow" / "scripts"
sys.path.insert(0, str(LIBRARY))  # no installed package: whatever imports bench can import semalign

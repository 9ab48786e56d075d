"""Say what is wrong with config files as they are written, with file and line: Snakemake's own message has neither.

python tools/check_config.py my.yaml …
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from semalign.preflight.config_files import check_config_files
from semalign.runtime.errors import InputError

if __name__ == "__main__":
    try:
        check_config_files(sys.argv[1:])
    except InputError as error:
        sys.exit(f"semalign: {error}")

"""Try a released model in a browser, beside its base and strong SFT: a page of this machine alone.

    python tools/try_model.py --release results/release/mt/rl/0 [--port 8000]

All get the prompt of their evaluation and decode greedily. Ctrl-C ends the server.
"""

import argparse
import os
import sys
import threading
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from semalign.runtime.errors import InputError  # noqa: E402
from tools.translate import only_release, released  # noqa: E402


def main(arguments: list[str]) -> None:
    options = _options().parse_args(arguments)
    try:
        serve(released(options.release or only_release()), options.port)
    except InputError as error:
        sys.exit(f"try: {error}")
    except KeyboardInterrupt:
        print()
        sys.exit(130)


def serve(folder: Path, port: int) -> None:
    """Serve the page until the process is interrupted."""
    from tools.trying.models import SideBySide
    from tools.trying.serving import Page

    with Page(port) as page:
        print(f"semalign: loading {folder}", flush=True)
        page.models = SideBySide(folder)
        for model in page.models.models:
            print(f"semalign: {model.title}: {f'absent: {model.absent}' if model.absent else model.about}")
        print(f"semalign: the page is {page.address}; Ctrl-C ends it", flush=True)
        threading.Thread(target=page.serve_forever, daemon=True).start()
        try:
            page.answer_forever()
        finally:
            page.shutdown()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="a folder that `make release` wrote (default: the only one)")
    parser.add_argument("--port", type=int, default=8000, help="0: any free port (default: 8000)")
    return parser


if __name__ == "__main__":
    # before any library of the hub is imported
    os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}
    warnings.filterwarnings("ignore", category=FutureWarning)  # of one library about another
    main(sys.argv[1:])

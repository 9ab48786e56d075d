"""Use a released model on a line, a file or standard input: one line of output for each line of input.

    python tools/translate.py --release results/release/mt/rl/0 --text "…"
    python tools/translate.py --release results/release/mt/rl/0 < lines.txt > answers.txt

Asked as when it was measured: its prompt, greedy decoding, no thinking aloud. An empty line stays empty.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from semalign.runtime.errors import InputError  # noqa: E402

RELEASES = Path("results/release")


def main(arguments: list[str]) -> None:
    options = _options().parse_args(arguments)
    try:
        with ExitStack() as stack:
            _answer(options, stack)
    except InputError as error:
        sys.exit(f"translate: {error}")
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(130)


def _answer(options: argparse.Namespace, stack: ExitStack) -> None:
    folder = released(options.release)
    if options.text is not None:
        lines: Iterable[str] = options.text.split("\n")
        talking = False
    else:
        source = _opened(options.file, stack)
        lines, talking = read_lines(source, options.file or "standard input"), source.isatty()
    from tools.releasing.translating import Translator

    translator = Translator(folder)
    for batch in batches(lines, 1 if talking else translator.batch_size):
        for number, answer, note in translator.answers(batch):
            print(answer)
            if note:
                print(f"translate: line {number}: {note}", file=sys.stderr)
        sys.stdout.flush()


def released(folder: Path) -> Path:
    """The folder, if it is a release. Raises InputError that says which there are."""
    if (folder / "semalign.json").is_file():
        return folder
    there = sorted(str(path.parent) for path in RELEASES.glob("*/*/*/semalign.json"))
    others = f"there are {', '.join(there)}" if there else "there is none yet"
    raise InputError(f"{folder}: no release lies there; {others}. `make release MODEL=mt/rl/0` makes one of that model")


def read_lines(source: BinaryIO, name: str) -> Iterator[str]:
    """Lines of UTF-8 without their ends; CRLF and a BOM are accepted. Raises InputError with the line's number."""
    for number, raw in enumerate(source, start=1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}:{number}: not UTF-8 ({error.reason}); convert it to UTF-8") from error


def batches(lines: Iterable[str], size: int) -> Iterator[list[tuple[int, str]]]:
    """(number from 1, line), so many at a time."""
    numbered = enumerate(lines, start=1)
    while batch := list(islice(numbered, size)):
        yield batch


def _opened(file: Path | None, stack: ExitStack) -> BinaryIO:
    if file is None:
        return sys.stdin.buffer
    try:
        return stack.enter_context(open(file, "rb"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, required=True, help="the folder that `make release` made")
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--text", help="what to answer; without it and --file: standard input")
    given.add_argument("--file", type=Path, help="UTF-8, one source a line")
    return parser


if __name__ == "__main__":
    # before any library of the hub is imported
    os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}
    warnings.filterwarnings("ignore", category=FutureWarning)  # of one library about another
    main(sys.argv[1:])

"""Use a released model on a line, a file or standard input: one line of output for each line of input.

    python tools/translate.py --release results/release/mt/rl/0 --text "…"
    python tools/translate.py --release results/release/mt/rl/0 < lines.txt > answers.txt

Asked as when it was measured: its prompt, greedy decoding, no thinking aloud. An empty line stays empty. Warnings go to
standard error with the line's number: a text in another script or language than the training's, or longer than any of
them, an answer in another script, or cut off.
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
    for note in translator.expected.notes:
        print(f"translate: {folder}: {note}", file=sys.stderr)
    for batch in batches(lines, 1 if talking else translator.batch_size):
        for number, answer, notes in translator.answers(batch):
            print(answer)
            for note in notes:
                print(f"translate: line {number}: {note}", file=sys.stderr)
        sys.stdout.flush()


def released(folder: Path) -> Path:
    """The folder, if it is a release. Raises InputError that says which there are, or how one is made."""
    if (folder / "semalign.json").is_file():
        return folder
    name = folder.relative_to(RELEASES).as_posix() if folder.is_relative_to(RELEASES) else "mt/rl/0"
    there = f"there are {', '.join(map(str, releases()))}" if releases() else "there is none yet"
    raise InputError(f"{folder}: no release lies there; {there}. `make release MODEL={name}` makes one of that model")


def only_release() -> Path:
    """The one release of the working folder, where none was named. Raises InputError where there are more, or none."""
    found = releases()
    if len(found) == 1:
        return found[0]
    names = [folder.relative_to(RELEASES).as_posix() for folder in found]
    if names:
        raise InputError(f"name a released model, as in MODEL={names[0]}; there are {', '.join(names)}")
    from tools.releasing.finished import trained

    if there := trained():
        best = next((name for name in there if "/rl/" in name), there[0])
        raise InputError(f"no model is released yet: run make release MODEL={best} first; there are {', '.join(there)}")
    raise InputError("no model is trained yet: run make table3, then make release MODEL=mt/rl/0")


def releases() -> list[Path]:
    """The releases of the working folder."""
    return sorted(path.parent for path in RELEASES.glob("*/*/*/semalign.json"))


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

"""Write an overlay for a pair of languages: one task between them, on files of your own, over the miniature.

    python tools/language.py --source en --target sw --train a.jsonl --test b.jsonl --base models/base --out sw.yaml

What it writes has passed every check that is made before a run. docs/languages.md says how to go on.
"""

import argparse
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

import yaml  # noqa: E402

from semalign.preflight.checks import check  # noqa: E402
from semalign.preflight.root import validate  # noqa: E402
from semalign.runtime.errors import InputError  # noqa: E402
from tools.overlaying.codes import Known, language_of  # noqa: E402
from tools.overlaying.overlay import Wanted, overlay, text, without_lingua  # noqa: E402

NAMES = {"columns": "MAP", "scripts": "SCRIPTS"}  # as make has them; COLUMNS is the terminal's width


def main() -> None:
    given = arguments()
    try:
        print(written(given))
    except InputError as error:
        sys.exit(f"semalign: {error}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--source", required=True, help="code of the language that is translated from: en")
    parser.add_argument("--target", required=True, help="code of the language that is learnt: sw")
    for name, what in (("train", "the pool that is learnt"), ("test", "the test set")):
        about = f"{what}: a table of columns source and target, or two text files, a segment a line"
        parser.add_argument(f"--{name}", required=True, nargs="+", type=Path, help=about)
    parser.add_argument("--base", required=True, type=Path, help="folder of the policy's base model")
    parser.add_argument("--out", required=True, type=Path, help="the overlay that is written")
    parser.add_argument("--columns", nargs="*", default=[], help="source=en target=sw: the tables' own columns")
    parser.add_argument("--prompt", help="the user's turn, with {source}")
    parser.add_argument(
        "--retention", type=Path, help="questions in SQuAD style (.json), or texts of the source language"
    )
    parser.add_argument("--encoders", nargs=2, type=Path, help="folders of two pretrained sentence encoders")
    parser.add_argument("--scripts", nargs="*", default=[], help="xx=Latin: the script of a code that Unicode lacks")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return parser.parse_args()


def written(given: argparse.Namespace) -> str:
    """Write the overlay, once it has passed the checks; what to say. Raises InputError."""
    if given.out.exists():
        raise InputError(f"OUT: {given.out} exists; name another file, or remove it")
    scripts, columns = (dict(_pair(name, item) for item in getattr(given, name)) for name in ("scripts", "columns"))
    source, target = (language_of(code, scripts.get(code)) for code in (given.source, given.target))
    if source.code == target.code:
        raise InputError(f"SOURCE and TARGET are both {source.code}; a task within a language is written by hand")
    for key, paths in (("TRAIN", given.train), ("TEST", given.test), ("RETENTION", [given.retention])):
        for path in paths:
            if path is not None and not path.is_file():
                raise InputError(f"{key}: {path} is no file (looked for in {Path.cwd()})")
    wanted = _wanted(given, source, target, columns)
    content = overlay(wanted)
    told = text(content, wanted, shlex.join(["python", "tools/language.py", *sys.argv[1:]]))
    _check(content)
    given.out.write_text(told, encoding="utf-8")
    said = [f"semalign: {given.out} is written, {len(told.splitlines())} lines, and passes the checks"]
    if without_lingua(content):
        said.append(
            "semalign: both languages are written in one script; install what tells them apart before you run it: "
            "python -m pip install -r envs/requirements-lingua.txt"
        )
    return "\n".join([*said, f"semalign: next: make plan CONFIG={given.out}, then make table3 CONFIG={given.out}"])


def _wanted(given: argparse.Namespace, source: Known, target: Known, columns: dict[str, str]) -> Wanted:
    files = {"train": given.train, "test": given.test, "base": given.base, "retention": given.retention}
    rest = {"prompt": given.prompt, "encoders": tuple(given.encoders or ()), "device": given.device}
    return Wanted(source=source, target=target, columns=columns, **files, **rest)


def _pair(name: str, item: str) -> tuple[str, str]:
    one, equals, other = item.partition("=")
    if not (one and equals and other):
        raise InputError(f"{NAMES[name]}: {item!r}: write it as name=value")
    return one, other


def _check(content: dict[str, object]) -> None:
    """What is checked before a run, with the script alone where lingua is not installed."""
    from snakemake.utils import update_config

    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    update_config(config, content)
    if without_lingua(content):
        for language in config["languages"].values():
            language.update({"identify": "script", "code": None, "among": None})
    check(validate(config), Path.cwd())


if __name__ == "__main__":
    main()

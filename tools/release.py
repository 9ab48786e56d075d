"""Make a folder for the Hugging Face hub from a trained and measured model: adapter, tokenizer, card, checksums.

    python tools/release.py mt/rl/0 [--licence apache-2.0] [--merged] [--base owner/name@commit]
                                    [--push owner/name [--public] [--existing]]

Run it in the folder that holds `results`. It trains nothing and changes nothing else; the config is the one that the
model was made with. The folder is results/release/<task>/<model>/<seed>; the same model gives the same bytes.
"""

import argparse
import os
import shlex
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from semalign.runtime import provenance  # noqa: E402
from semalign.runtime.errors import InputError  # noqa: E402
from semalign.runtime.files import sha256  # noqa: E402
from tools.releasing import upload  # noqa: E402
from tools.releasing.finished import INCLUDED, MEASURES, NOT_STATED, Base, Run, base_of, example, find, sources_of  # noqa: E402


def main(arguments: list[str]) -> None:
    parser = _options()
    options = parser.parse_args(arguments)
    if (options.public or options.existing) and not options.push:
        parser.error("--public and --existing are of an upload: name its repository with --push owner/name")
    try:
        run = find(options.model)
        base = base_of(run, options.base)
        if options.push:
            upload.checked(options.push, options.existing)
        print("\n".join(release(run, base, options.licence or None, options.merged)))
        if options.push:
            from tools.releasing.folder import RELEASES

            print(upload.uploaded(RELEASES / run.name, options.push, options.public, options.existing))
    except InputError as error:
        sys.exit(f"release: {error}")


def release(run: Run, base: Base, licence: str | None, merged: bool) -> list[str]:
    """Write the folder and the record beside it; returns what to tell."""
    from tools.releasing.card import card, language_tags
    from tools.releasing.figures import measured
    from tools.releasing.folder import settings_of, write_release

    started = time.time()
    sources, settings, shown = sources_of(run), settings_of(run, base), example(run)
    text = card(run, base, licence, measured(run), sources, shown, settings, merged)
    folder = write_release(run, base, text, settings, merged)
    _record(run, base, folder, {"licence": licence, "merged": merged, "base": base.repo or INCLUDED}, started)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    told = [f"{folder}: {size:,.1f} MiB; the card is {folder}/README.md"]
    told += [f"note: {note}" for note in run.notes]
    if licence is None:
        told.append("note: the card states no licence for the adapter; LICENCE=apache-2.0, or another, states one")
    unknown = [row["source"] for row in sources if row["licence"] == NOT_STATED]
    if unknown:
        told.append(f"note: no licence is stated for {', '.join(unknown)}: see config key licences")
    if names := language_tags(run)[1]:
        told.append(f"note: {', '.join(names)}: no BCP-47 tag, so the card's metadata leave it out")
    told.append(f"note: the card quotes one line of the test set: {shown[0]}")
    told.append(f"to publish it: PUSH=owner/name uploads it, or hf upload owner/name {folder}")
    return told


def _record(run: Run, base: Base, folder: Path, settings: dict[str, object], started: float) -> None:
    """What made the folder, beside it, as jobs of the workflow leave it: for tools/provenance.py."""
    read = [base.folder, run.folder / "adapter", *(run.folder / measure for measure in MEASURES)]
    read += [path for path in (run.judgement(), run.likelihood()) if path]
    inputs = {str(path): sha256(path) for path in read}
    provenance.write(
        SimpleNamespace(
            rule="release",
            wildcards={"task": run.task, "model": run.model, "seed": str(run.seed)},
            config=run.raw_config,
            params=SimpleNamespace(settings=settings),
            output=[str(folder)],
            log=[f"{folder}/README.md"],
            threads=1,
        ),
        inputs,
        time.time() - started,
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="<task>/<model>/<seed>, as in mt/rl/0")
    parser.add_argument(
        "--licence", help="of the adapter, as the hub names it: apache-2.0, cc-by-4.0 …; default: not stated"
    )
    parser.add_argument("--merged", action="store_true", help="put the whole model, merged, beside the adapter")
    parser.add_argument(
        "--base", help=f"where the policy is a folder of yours: owner/name@commit on the hub, or {INCLUDED}"
    )
    parser.add_argument("--push", metavar="OWNER/NAME", help="upload it to this new, private repository of the hub")
    parser.add_argument("--public", action="store_true", help="the new repository is public")
    parser.add_argument("--existing", action="store_true", help="the repository may exist; its files are replaced")
    return parser


if __name__ == "__main__":
    # before any library of the hub is imported
    os.environ.setdefault(upload.USERS_OFFLINE, os.environ.get("HF_HUB_OFFLINE", ""))
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    os.environ["SEMALIGN_COMMAND"] = shlex.join(["python", "tools/release.py", *sys.argv[1:]])
    warnings.filterwarnings("ignore", category=FutureWarning)  # of one library about another
    main(sys.argv[1:])

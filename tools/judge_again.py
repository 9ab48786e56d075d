"""Let the judge be asked again for what has no verdict: refused, unreadable, or answered without one. Nothing else is.

    python tools/judge_again.py

Run it in the folder that holds `results`, then the same Snakemake command as before: it judges again, takes every
answer that holds a verdict from results/judge_cache, and pays for the rest alone.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from semalign.judging import cache
from semalign.judging.verdicts import read_answer
from semalign.runtime.errors import InputError


def main() -> None:
    file = cache.FOLDER / cache.FILE
    if not file.is_file():
        sys.exit(
            f"{file}: is not there; run this in the folder that holds the results of a language model as the judge"
        )
    try:
        with cache.opened() as answers:
            # First: a run more of the judging does no harm, a run less would leave everything as it is.
            cache.ASKED_AGAIN.write_text(f"{cache.times_asked_again() + 1}\n")
            found = answers.set_aside(lambda reply: read_answer(reply.status, reply.body).value is None)
    except InputError as error:
        sys.exit(str(error))
    problems = Counter(read_answer(reply.status, reply.body).problem for reply in found)
    told = ", ".join(f"{problem} {number}" for problem, number in problems.most_common())
    print(f"{len(found)} questions have no verdict{f' ({told})' if told else ''}.")
    print("Run the same Snakemake command as before: they are asked again, and nothing else is paid for.")


if __name__ == "__main__":
    main()

"""People's votes on the pairs that the judge saw."""

from semalign.config.judge import Votes
from semalign.data.tabular import read_rows
from semalign.judging.protocol import OTHER
from semalign.runtime.errors import InputError


def read_votes(votes: Votes) -> dict[str, int]:
    """The vote on each item: 1 or 2, the better of `first` and `second` in the file of verdicts; 0, equal.

    A blank is no vote. Raises InputError, with the file, for another vote, for none at all, and as every table does (a
    repeated id, a missing column …).
    """
    found = {}
    for row in read_rows(votes, required=["id", "vote"]):
        vote = row["vote"].strip()
        if not vote:
            continue
        if vote not in map(str, OTHER):
            raise InputError(f"{votes.path}: the vote on {row['id']!r} is {vote!r}; it must be 1, 2 or 0")
        found[row["id"]] = int(vote)
    if not found:
        raise InputError(f"{votes.path}: holds no vote; fill in the column, 1, 2 or 0")
    return found

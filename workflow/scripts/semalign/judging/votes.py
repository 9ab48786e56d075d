"""People's votes on the pairs that the judge saw."""

from collections.abc import Collection

from semalign.config.judge import Votes
from semalign.data.tabular import read_placed
from semalign.judging.protocol import OTHER
from semalign.runtime.errors import InputError


def read_votes(votes: Votes, ids: Collection[str] | None = None) -> dict[str, int]:
    """The vote on each item: 1 or 2, the better of `first` and `second` in the file of verdicts; 0, equal.

    `ids`: the test set's, where they are known. A blank is no vote. Raises InputError, with file and line, for another
    vote and for one on no item of the test set; for no vote at all, and as every table does (a repeated id, a missing
    column …).
    """
    found, unknown = dict[str, int](), list[str]()
    for place, row in read_placed(votes, required=["id", "vote"]):
        item, vote = row["id"], row["vote"].strip()
        if not vote:
            continue
        if vote not in map(str, OTHER):
            raise InputError(f"{place}: the vote on {item!r} is {vote!r}; it must be 1, 2 or 0")
        if ids is not None and item not in ids:
            unknown.append(f"{place}: the vote is on {item!r}, which is no id of the test set")
        found[item] = int(vote)
    if unknown:
        more = f" (nor are {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        example = f", where ids are like {min(ids)!r}" if ids else ""
        raise InputError(f"{unknown[0]}{more}{example}; take the ids from the file of verdicts, or remove the vote")
    if not found:
        raise InputError(f"{votes.path}: holds no vote; fill in the column, 1, 2 or 0")
    return found

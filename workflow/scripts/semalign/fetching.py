"""Fetching addresses: going on where an earlier attempt broke off, waiting where the server asks for it."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import requests

from semalign.errors import InputError
from semalign.progress import Progress
from semalign.signals import Stopped, stopping

log = logging.getLogger(__name__)

Result = TypeVar("Result")

TRIES = 6  # in a row that bring nothing
SECONDS_BEFORE_NEXT = 1.0  # doubled each time
LONGEST_WAIT = 600.0  # seconds, whatever the server asks for
SECONDS_BETWEEN_LOOKS = 0.5
TIMEOUT = 60.0
MIB = 1 << 20
CHUNK = 1 << 16  # bytes; what a broken connection has cut off of one is asked for again
PASSING = {408, 425, 429, 500, 502, 503, 504}


class Passing(Exception):
    """A trouble that may be over soon; `seconds` is how long the server asks to wait, if it does."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Refused(Exception):
    """An answer that will not change."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


def fetch_url(url: str, part: Path, key: str, headers: Mapping[str, str] | None = None) -> None:
    """Fetch an address into `part`, going on where an earlier attempt left it.

    Waits out connection errors, time-outs and the server's passing troubles. Raises InputError, naming the config key,
    when they last; Refused; and Stopped when the job is asked to stop: `part` is then gone on with by the next run.
    """
    persist(lambda: _stream(url, part, headers or {}), url, key, lambda: _size(part))


def persist(attempt: Callable[[], Result], what: str, key: str, progress: Callable[[], int] = lambda: 0) -> Result:
    """The result of `attempt`, made again after a pause each time that it raises Passing.

    Raises InputError, naming the config key, after TRIES attempts in a row without progress.
    """
    failed, have = 0, progress()
    while True:
        try:
            return attempt()
        except Passing as trouble:
            failed, have = (failed + 1, have) if progress() == have else (1, progress())
            if failed == TRIES:
                raise InputError(
                    f"config key {key}: {what} could not be fetched in {TRIES} attempts ({trouble}); run the same "
                    "command again later: it goes on from here"
                ) from None
            seconds = SECONDS_BEFORE_NEXT * 2 ** (failed - 1) if trouble.seconds is None else trouble.seconds
            log.warning("%s: %s; once more in %.0f s", what, trouble, seconds)
            _wait(min(seconds, LONGEST_WAIT))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: it says so as a number or as a date (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def _stream(url: str, part: Path, headers: Mapping[str, str]) -> None:
    have = _size(part)
    asked = {"Accept-Encoding": "identity", **headers} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
            if have and answer.status_code == 416:  # nothing is left of it
                return
            if answer.status_code in PASSING:
                raise Passing(f"the server answers {answer.status_code}", retry_after(answer.headers))
            if not answer.ok:
                raise Refused(answer.status_code, answer.reason)
            _write(answer, part)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise Passing(type(error).__name__) from error


def _write(answer: requests.Response, part: Path) -> None:
    with open(part, "ab" if answer.status_code == 206 else "wb") as file:
        start = file.tell()
        length = answer.headers.get("Content-Length", "")
        whole = (start + int(length)) // MIB if length.isdecimal() else 0  # 0: the server does not say
        progress = Progress(f"{part.name}: MiB", whole, start // MIB)
        for chunk in answer.iter_content(CHUNK):
            file.write(chunk)
            if whole:
                progress.update(file.tell() // MIB)
            if stopping():
                raise Stopped
        got = file.tell() - start
    expected = answer.headers.get("Content-Length")
    if expected is not None and not answer.headers.get("Content-Encoding") and got < int(expected):
        raise Passing("the connection broke off")


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stopping():
            raise Stopped
        time.sleep(min(left, SECONDS_BETWEEN_LOOKS))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

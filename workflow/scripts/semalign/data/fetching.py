"""Fetching addresses: resumes where an earlier attempt stopped, and waits where the server asks for it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import requests

from semalign.config.secrets import masked
from semalign.network.proxies import check_proxies, through_proxy
from semalign.network.waits import LONGEST_WAIT, asked_wait, say_wait
from semalign.runtime.errors import InputError
from semalign.runtime.progress import Progress
from semalign.runtime.signals import Stopped, stopping

Result = TypeVar("Result")

TRIES = 6  # in a row that bring nothing
SECONDS_BEFORE_NEXT = 1.0  # doubled each time
SECONDS_BETWEEN_LOOKS = 0.5
TIMEOUT = 60.0
MIB = 1 << 20
CHUNK = 1 << 16  # bytes; what a broken connection has cut off of one is asked for again
PASSING = {408, 409, 425, 429, *range(500, 600)}


class TransientError(Exception):
    """A problem that may pass; `seconds`: how long the server asks to wait, if it does."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Refused(Exception):
    """An HTTP error that a retry will not change."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


def fetch_url(url: str, part: Path, key: str, headers: Mapping[str, str] | None = None) -> None:
    """Fetch an address into `part`; resumes where an earlier attempt stopped.

    Waits out connection errors, time-outs and the server's passing troubles. Raises InputError, naming the config key,
    when they last and where the address or a proxy cannot be used; Refused; and Stopped when the job is asked to stop:
    the next run then resumes `part`.
    """
    check_proxies(url, "socks", every=False)
    try:
        persist(lambda: _stream(url, part, headers or {}), masked(url), key, url, lambda: _size(part))
    except (requests.RequestException, ValueError) as error:  # urllib3 refuses some addresses by a ValueError
        raise InputError(
            f"config key {key}: {masked(url)} could not be fetched ({type(error).__name__}); check the address"
            f"{through_proxy(url)}"
        ) from None


def persist(
    attempt: Callable[[], Result], what: str, key: str, address: str, progress: Callable[[], int] = lambda: 0
) -> Result:
    """The result of `attempt`, which is retried after a pause each time that it raises TransientError.

    Raises InputError, naming the config key and the proxy that `address` is asked through, after TRIES attempts in a
    row without progress.
    """
    failed, have = 0, progress()
    while True:
        try:
            return attempt()
        except TransientError as trouble:
            failed, have = (failed + 1, have) if progress() == have else (1, progress())
            if failed == TRIES:
                raise InputError(
                    f"config key {key}: {what} could not be fetched in {TRIES} attempts ({trouble}); check the address"
                    f"{through_proxy(address)}; run the same command again later: it resumes from here"
                ) from None
            seconds = max(SECONDS_BEFORE_NEXT * 2 ** (failed - 1), min(trouble.seconds or 0.0, LONGEST_WAIT))
            say_wait(what, str(trouble), seconds, trouble.seconds)
            _wait(seconds)


def _stream(url: str, part: Path, headers: Mapping[str, str]) -> None:
    have = _size(part)
    asked = {"Accept-Encoding": "identity", **headers} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
            if have and answer.status_code == 416:  # nothing is left of it
                return
            if answer.status_code in PASSING:
                raise TransientError(
                    f"the server answers {answer.status_code}", asked_wait(answer.headers, answer.status_code == 429)
                )
            if answer.status_code not in (200, 206):  # a redirection that leads nowhere is no file either
                raise Refused(answer.status_code, masked(answer.reason or ""))
            _write(answer, part)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise TransientError(type(error).__name__) from error


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
        raise TransientError("the connection broke off")


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stopping():
            raise Stopped
        time.sleep(min(left, SECONDS_BETWEEN_LOOKS))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

"""How long a server asks to wait: read from its headers, cut to ten minutes, said on the terminal."""

import math
import re
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz

from semalign.runtime.progress import duration, say

LONGEST_WAIT = 600.0
"""Seconds that a server's word is waited for at most, however much it asks for."""

SAID_FROM = 5.0
"""Seconds from which on a wait is said on the terminal."""

_AFTER = {"retry-after-ms": 1e-3, "x-ms-retry-after-ms": 1e-3, "retry-after": 1.0}
_RESET = ("x-ratelimit-reset-after", "x-ratelimit-reset", "ratelimit-reset")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_LONG_AGO = 1e9  # a smaller number is a time to wait, a larger one a moment since 1970


def asked_wait(headers: Mapping[str, str], limited: bool = True) -> float | None:
    """Seconds that a server asks to wait, whole or not, as a number, a duration (6m0s) or a date; None: nothing usable.

    What is negative or no number is nothing; a moment that has passed is 0. Names of `headers` may have any case.
    `limited`: too much was asked. Else the headers that tell of limits, which stand in every reply, ask for nothing.
    """
    said = {name.lower(): value.strip() for name, value in headers.items()}
    for name in (*_AFTER, *_RESET) if limited else _AFTER:
        seconds = _seconds(said.get(name, ""))
        if seconds is None or seconds < 0:
            continue
        if name in _AFTER:
            return seconds * _AFTER[name]
        moment = seconds / 1000 if seconds > 1000 * _LONG_AGO else seconds
        return max(0.0, moment - time.time()) if moment > _LONG_AGO else seconds
    return None


def _seconds(text: str) -> float | None:
    """A number of seconds, a duration, or a date as the seconds until then."""
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[smhd])", text))
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_tz(text)
            return max(0.0, mktime_tz(date) - time.time()) if date else None
        except (ValueError, OverflowError, TypeError, IndexError):  # a date beyond all calendars
            return None
    return None if math.isnan(seconds) else seconds


def say_wait(who: str, problem: str, seconds: float, asked: float | None) -> None:
    """Say on the terminal that a server is waited for, and how long."""
    cut = f", though it asks for {_brief(asked)}" if asked is not None and asked > seconds + 1 else ""
    until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
    say(f"{who}: {problem}; trying again in {duration(seconds)}, at {until}{cut}", terminal=seconds >= SAID_FROM)


def _brief(seconds: float) -> str:
    return duration(seconds) if seconds < 1e12 else "more than can be waited for"

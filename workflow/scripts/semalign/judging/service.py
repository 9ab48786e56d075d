"""One chat-completions server: what is waited out, what ends the run, and a key that is never shown."""

import asyncio
import email.utils
import logging
import math
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import openai

from semalign.config.judge import LlmJudge, Service
from semalign.errors import InputError

log = logging.getLogger("semalign")

NO_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
OF_THE_ITEM = {"context_length_exceeded", "content_filter", "content_policy_violation", "invalid_prompt"}
WORTH_WAITING = {408, 409, 425, 429}
_SLICE = 0.2  # seconds between looks whether the job is to stop
_SHOWN = 300  # characters of a server's message
_SHORTEST_KEY = 8  # a shorter one is a placeholder that may be any word
AGAIN = "the same command goes on from here, and no answer is paid twice"

for noisy in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(noisy).setLevel(logging.WARNING)  # a line a call, and headers below that


class Server:
    """Asks one model, as patiently as the config says. `go_on` raises where the job is to stop."""

    def __init__(self, service: Service, judge: LlmJudge, go_on: Callable[[], None]) -> None:
        self._service, self._judge, self._go_on = service, judge, go_on
        if problem := service.missing_key():
            raise InputError(problem)
        self._key = os.environ.get(service.api_key_env, "").strip()
        if not self._key.isascii():
            raise InputError(
                f"judge: the environment variable {service.api_key_env} holds what no key can: set it anew"
            )
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=service.base_url, max_retries=0, timeout=judge.timeout
        )
        self._open_again = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def answer(self, messages: list[dict[str, str]]) -> tuple[int, str]:
        """(200, the raw body) of an answer, or (status, body) where the server refuses this one item.

        Raises InputError where waiting cannot help, or has not helped `max_retries` times.
        """
        tries = 0
        while True:
            await self._pause_until(self._open_again)
            self._go_on()
            try:
                return await self._call(messages)
            except openai.APIStatusError as error:
                if self._refuses_the_item(error):
                    return error.status_code, self._without_key(error.response.text)
                self._end_where_hopeless(error)
                problem, wait = f"{error.status_code}", _asked_to_wait(error)
            except (openai.APIConnectionError, TimeoutError) as error:
                cut = isinstance(error, TimeoutError | openai.APITimeoutError)
                problem, wait = (f"no answer in {self._judge.timeout:g} s" if cut else "connection lost"), None
            tries += 1
            if tries > self._judge.max_retries:
                raise InputError(f"judge: {self._service.base_url}: {problem}, {tries} times in a row; {AGAIN}")
            delay = wait if wait is not None else self._delay(tries)
            log.warning("%s: %s; trying again in %.1f s", self._service.base_url, problem, delay)
            opens = time.monotonic() + delay
            if problem == "429" or wait is not None:  # it holds for all calls
                self._open_again = max(self._open_again, opens)
            await self._pause_until(opens)

    async def _call(self, messages: list[dict[str, str]]) -> tuple[int, str]:
        turns: Any = messages
        async with asyncio.timeout(self._judge.timeout):  # the client's own counts each silence, not the whole
            response = await self._client.chat.completions.with_raw_response.create(
                model=self._service.model, messages=turns, extra_body=self._service.parameters
            )
        return 200, self._without_key(response.text)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if len(self._key) >= _SHORTEST_KEY else text

    def _delay(self, tries: int) -> float:
        return min(self._judge.longest_wait, self._judge.first_wait * 2.0 ** (tries - 1))

    async def _pause_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            self._go_on()
            await asyncio.sleep(min(left, _SLICE))

    def _refuses_the_item(self, error: openai.APIStatusError) -> bool:
        if error.status_code not in (400, 413, 422):
            return False
        return error.code in OF_THE_ITEM or "context length" in error.message.lower()

    def _end_where_hopeless(self, error: openai.APIStatusError) -> None:
        server, variable = self._service.base_url, self._service.api_key_env
        if error.status_code == 401:
            found = "refuses the key in" if self._key else "asks for a key, and there is none in"
            raise InputError(
                f"judge: {server} {found} the environment variable {variable} (401): set it to a valid key; {AGAIN}"
            )
        if error.code in NO_QUOTA or error.type in NO_QUOTA:
            raise InputError(
                f"judge: the account behind {variable} has nothing left to spend at {server} "
                f"({error.code or error.type}): top it up or raise its limit; {AGAIN}"
            )
        if error.status_code < 500 and error.status_code not in WORTH_WAITING:
            said = self._without_key(error.message)[:_SHOWN]
            raise InputError(
                f"judge: {server} refuses with {error.status_code}: {said}; check judge.model "
                f"({self._service.model}), judge.base_url and judge.parameters; {AGAIN}"
            )


def _asked_to_wait(error: openai.APIStatusError) -> float | None:
    """Seconds that the server asks to wait (Retry-After, a number or a date); None where it says nothing usable."""
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = scale * float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    date = email.utils.parsedate_tz(headers.get("retry-after"))
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None

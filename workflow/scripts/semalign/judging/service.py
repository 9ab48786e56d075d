"""One chat-completions server: what is waited out, what ends the run, and a key that is never shown."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import httpx2
import openai

from semalign.config.judge import LlmJudge, Service
from semalign.judging.replies import Reply, read_reply
from semalign.network.proxies import check_proxies, proxy_passwords, through_proxy
from semalign.network.redaction import redacted
from semalign.network.waits import LONGEST_WAIT, asked_wait, say_wait
from semalign.runtime.errors import InputError

_SLICE = 0.2  # seconds between looks whether the job is to stop
_LONGEST_BODY = 1 << 24  # bytes; no answer of a judge is longer
AGAIN = "the same command resumes from here, and no answer is paid twice"

LOST = (openai.APIConnectionError, httpx2.RequestError, httpx2.StreamError, anyio.EndOfStream, OSError)

for noisy in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(noisy).setLevel(logging.WARNING)  # a line a call, and headers below that


class Server:
    """Asks one model, as patiently as the config says. `go_on` raises where the job is to stop."""

    def __init__(self, service: Service, judge: LlmJudge, go_on: Callable[[], None]) -> None:
        self._service, self._judge, self._go_on = service, judge, go_on
        if problem := service.missing_key():
            raise InputError(problem)
        self._key = os.environ.get(service.api_key_env, "").strip()
        if not (self._key.isascii() and self._key.isprintable()) or " " in self._key:
            raise InputError(
                f"judge: the environment variable {service.api_key_env} holds what no key can: set it anew"
            )
        self._secrets = [self._key, *proxy_passwords()]
        check_proxies(service.base_url, "socksio", every=True)
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=service.base_url, max_retries=0, timeout=judge.timeout
        )
        self._open_again = self._said_until = 0.0

    async def close(self) -> None:
        """End its connections."""
        await self._client.close()

    async def answer(self, messages: list[dict[str, str]], retries: int) -> tuple[Reply, str]:
        """What came, of kind answer, unreadable, item, refused, config or lasting, and its body; the key is in neither.

        lasting: trouble that waiting has not helped `retries` times. Raises InputError where waiting cannot help.
        """
        tries = 0
        while True:
            await self._pause_until(self._open_again)
            self._go_on()
            try:
                status, headers, body = await self._call(messages)
                reply = read_reply(status, body)
                if reply.kind not in ("passing", "unclear"):
                    self._end_where_hopeless(reply)
                    return reply, body
                problem, said = str(reply.status), f": {reply.words}" if reply.words else ""
                wait = asked_wait(headers, limited=reply.status == 429)
            except LOST as error:
                problem, said, wait, reply, body = self._problem(error), "", None, None, ""
            tries += 1
            if tries > retries:
                if reply is not None and reply.kind == "unclear":
                    return Reply("refused", 400, reply.words), body
                words = f"{problem}, {tries} times in a row{said}"
                status = reply.status if reply and reply.status != 200 else 504
                return Reply("lasting", status, words), json.dumps({"message": words})
            await self._wait(problem + said, tries, wait, reply is not None and reply.status == 429)

    @property
    def proxy(self) -> str:
        """The end of a message: the proxy that the server is asked through, if it is."""
        return through_proxy(self._service.base_url)

    async def _call(self, messages: list[dict[str, str]]) -> tuple[int, Mapping[str, str], str]:
        turns: Any = messages
        async with asyncio.timeout(self._judge.timeout):  # the client's own counts each silence, not the whole
            try:
                async with self._client.chat.completions.with_streaming_response.create(
                    model=self._service.model, messages=turns, extra_body=self._service.parameters
                ) as response:
                    whole = bytearray()
                    async for part in response.iter_bytes():
                        whole += part
                        if len(whole) > _LONGEST_BODY:
                            break
                    raw = bytes(whole)
                    status, headers = response.status_code, response.headers
            except openai.APIStatusError as error:
                status, headers, raw = error.status_code, error.response.headers, error.response.content
        return status, headers, self._clean(raw[:_LONGEST_BODY].decode("utf-8", "replace"))

    def _clean(self, text: str) -> str:
        return redacted(text, self._secrets)

    def _problem(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
            return f"no answer in {self._judge.timeout:g} s (judge.timeout)"
        cause = error.__cause__ or error
        said = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
        return f"connection lost ({self._clean(said)[:200]})"

    async def _wait(self, problem: str, tries: int, asked: float | None, for_all: bool) -> None:
        """Wait as the server asks, ten minutes at most, and not less than the config says."""
        delay = min(self._judge.longest_wait, self._judge.first_wait * 2.0 ** (tries - 1))
        if asked is not None:
            delay = max(delay, min(asked, LONGEST_WAIT))
        opens = time.monotonic() + delay
        if opens > self._said_until + 1:  # calls that wait together say it once
            self._said_until = opens
            say_wait(self._service.base_url, problem, delay, asked)
        if for_all or asked is not None:
            self._open_again = max(self._open_again, opens)
        await self._pause_until(opens)

    async def _pause_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            self._go_on()
            await asyncio.sleep(min(left, _SLICE))

    def _end_where_hopeless(self, reply: Reply) -> None:
        server, variable = self._service.base_url, self._service.api_key_env
        said = f"; it says: {reply.words}" if reply.words else ""
        if reply.kind == "key":
            found = "refuses the key in" if self._key else "asks for a key, and there is none in"
            raise InputError(
                f"judge: {server} {found} the environment variable {variable} ({reply.status}): set it to a valid key"
                f"{said}{self.proxy}; {AGAIN}"
            )
        if reply.kind == "money":
            raise InputError(
                f"judge: the account behind {variable} has nothing left to spend at {server} ({reply.status}): top it "
                f"up or raise its limit{said}; {AGAIN}"
            )

    def lasting(self, reply: Reply) -> str:
        """What to say where trouble lasts, and not for one item alone."""
        return f"judge: {self._service.base_url}: {reply.words}{self.proxy}; {AGAIN}"

    def refusal(self, reply: Reply, answers: bool) -> str:
        """What to say where it refuses all items, or does not reply as a server of chat completions does.

        `answers`: it answered before.
        """
        how = "refuses with" if reply.kind != "unreadable" else "sends no chat completion but"
        return (
            f"judge: {self._service.base_url} {how} {reply.status}: {reply.words or 'it says nothing'}; check "
            f"judge.model ({self._service.model}), judge.base_url and judge.parameters"
            f"{'; it answered items before, and refuses those too now' if answers else ''}{self.proxy}; {AGAIN}"
        )

"""Asking language models: many calls at a time, each paid once, within a ceiling."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from semalign.config.judge import LlmJudge, Service
from semalign.judging.cache import Cache, Stored
from semalign.judging.costs import ATTEMPTS, cost, cost_bound
from semalign.judging.ledger import Ledger
from semalign.judging.protocol import Decision
from semalign.judging.questions import Question, Round, by_service, check_readable
from semalign.judging.refusals import FEW, Refusals
from semalign.judging.replies import read_reply
from semalign.judging.service import AGAIN, Server
from semalign.judging.templates import messages, template_hash
from semalign.judging.verdicts import UNREADABLE, Answer, read_answer
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.progress import Progress

log = logging.getLogger("semalign")

IDENTITY = {"base_url", "model", "parameters"}


class _Halted(Exception):
    """Another call ended the run."""


class Asking:
    """Puts rounds of comparisons to their services. `check` raises where the job is to stop."""

    def __init__(self, judge: LlmJudge, template: str, cache: Cache, check: Callable[[], None]) -> None:
        self._judge, self._template, self._cache, self._check = judge, template, cache, check
        self._ledger = Ledger(judge.ceiling, sum(cost(answer) for _, answer in cache.all()))
        self._servers: dict[int, Server] = {}
        self._refusals: dict[int, Refusals] = {}
        self._open: dict[int, list[Question]] = {}  # what each service had not answered in earlier runs
        self._halted = False
        self._total = self._unanswered = self._settled = self._calls = 0
        self._started = time.monotonic()
        self._progress = Progress("settled", 0)

    def decide(self, rounds: Sequence[Round], others: int) -> list[list[Decision]]:
        """The decisions of each round. `others`: comparisons of other runs still to come, for the whole cost.

        Raises InputError where the ceiling would be passed or the server cannot be used; what was answered is kept.
        """
        questions: dict[str, Question] = {}
        names = [self._questions(one, questions) for one in rounds]
        asyncio.run(self._ask_all(list(questions.values()), others))
        return [[self._decision(questions[name]) for name in of_round] for of_round in names]

    @staticmethod
    def _decision(question: Question) -> Decision:
        assert question.decision is not None
        return question.decision

    def _questions(self, one: Round, questions: dict[str, Question]) -> list[str]:
        """The name of each comparison's question; new ones are put into `questions`."""
        names = []
        piloted = {comparison.item for comparison in one.asked[: 2 * self._judge.pilot]}
        for comparison in one.asked:
            turns = messages(self._template, comparison.source, comparison.first, comparison.second)
            request = {
                **one.service.model_dump(mode="json", include=IDENTITY),
                "prompt": template_hash(self._template),
                "messages": turns,
                "repeat": one.repeat,
            }
            name = json.dumps(request, sort_keys=True)
            bound = cost_bound(one.service, sum(len(turn["content"].encode()) for turn in turns))
            question = questions.setdefault(name, Question(one.service, comparison.item, request, turns, bound))
            question.pilot |= comparison.item in piloted
            names.append(name)
        return names

    async def _ask_all(self, questions: list[Question], others: int) -> None:
        unanswered = [question for question in questions if not self._is_answered(question)]
        self._announce(questions, unanswered)
        async with AsyncExitStack() as stack:
            for service in {id(question.service): question.service for question in unanswered}.values():
                self._servers[id(service)] = Server(service, self._judge, self._go_on)
                stack.push_async_callback(self._servers[id(service)].close)
                self._refusals[id(service)] = self._refusals_of(service)
                self._open[id(service)] = [question for question in unanswered if question.service is service]
            pilot = [question for question in questions if question.pilot]
            await self._ask(pilot)
            await self._ask_until_answered(questions)
            rest = [question for question in questions if question.decision is None]
            if unpaid := [question for question in rest if not self._is_answered(question)]:
                asked = [question for question in questions if question.decision]
                check_readable(asked)
                self._extrapolate(questions, asked, unpaid, others)
            await self._ask(rest)
            for refusals in self._refusals.values():
                await refusals.at_the_end()

    async def _ask_until_answered(self, questions: list[Question]) -> None:
        """Go on with single items after a pilot without an answer: its items may be at fault, or the config."""
        for of_service in by_service(questions):
            answered = any(question.answered for question in of_service)
            for question in of_service:
                if answered or id(question.service) not in self._refusals:
                    break
                if question.decision is None:
                    await self._ask([question])
                    answered = question.answered

    def _refusals_of(self, service: Service) -> Refusals:
        """The refusals of a service, and what it answered in an earlier run."""
        identity = service.model_dump(mode="json", include=IDENTITY)
        known = next(
            (
                partial(self._is_known_answered, service, request, stored.cost_bound)
                for request, stored in self._cache.all()
                if identity.items() <= request.items() and stored.status == 200 and self._kept(request)
            ),
            None,
        )
        return Refusals(known)

    async def _is_known_answered(self, service: Service, request: Row, bound: float) -> bool:
        """Is a question that was answered before answered once more?"""
        control = request | {"attempt": f"control {time.time_ns()}"}
        question = Question(service, "", request, request["messages"], bound)
        return (await self._pay(question, control, once=True)).status == 200

    def _kept(self, request: Row) -> Stored | None:
        """What the cache has as the reply to a request. An error that an earlier version kept as an answer is none."""
        stored = self._cache.get(request)
        if stored and stored.status == 200 and read_reply(200, stored.body).kind != "answer":
            return None
        return stored

    def _is_answered(self, question: Question) -> bool:
        """Is nothing left to pay for it?"""
        for attempt in range(1, ATTEMPTS + 1):
            stored = self._kept(question.request | {"attempt": attempt})
            if stored is None:
                return False
            if _ends(stored, read_answer(stored.status, stored.body)):
                return True
        return True

    def _announce(self, questions: list[Question], unanswered: list[Question]) -> None:
        self._total, self._unanswered = len(questions), len(unanswered)
        self._progress = Progress("settled", self._total)
        bound = sum(question.bound for question in unanswered)
        log.info("judge: %d calls, %d already answered", len(questions), len(questions) - len(unanswered))
        if self._judge.ceiling is not None:
            log.info(
                "judge: at most %.2f to come (%.2f if all had to be asked %d times), %.2f spent, ceiling %.2f",
                *(bound, ATTEMPTS * bound, ATTEMPTS, self._ledger.spent, self._judge.ceiling),
            )

    def _extrapolate(self, questions: list[Question], asked: list[Question], rest: list[Question], others: int) -> None:
        """Work the whole cost out from the pilot's. Raises InputError where it would pass the ceiling."""
        if self._judge.ceiling is None:
            return
        own = whole = 0.0
        for service in {id(question.service): question.service for question in questions}.values():
            paid = [question.cost for question in asked if question.service is service]
            mean = sum(paid) / len(paid)
            own += mean * sum(question.service is service for question in rest)
            whole += mean * others * sum(question.service is service for question in questions)
        total = self._ledger.spent + own + whole
        say = (
            f"judge: by the {len(asked)} calls of the pilot, the rest of this comparison costs about {own:.2f} and "
            f"{others} more to come about {whole:.2f}; with {self._ledger.spent:.2f} spent that makes {total:.2f}"
        )
        if total > self._judge.ceiling:
            raise InputError(
                f"{say}, above judge.ceiling {self._judge.ceiling:.2f}: raise it, or take a cheaper model, fewer "
                f"seeds, a smaller judge.self_agreement or judge.second.share; {AGAIN}"
            )
        log.info("%s of at most %.2f", say, self._judge.ceiling)

    async def _ask(self, questions: list[Question]) -> None:
        """Settle all questions, some at a time. After a failure calls under way are waited for, and none begins."""
        waiting = iter(questions)

        async def work() -> None:
            try:
                for question in waiting:
                    self._go_on()
                    async with question.turn:
                        await self._settle(question)
                    self._settled += 1
                    self._say()
            except BaseException:
                self._halted = True
                raise

        ended = await asyncio.gather(*(work() for _ in range(self._judge.concurrency)), return_exceptions=True)
        raise_first(ended)

    async def _settle(self, question: Question) -> None:
        """Ask until an answer holds a verdict, three times at most; each answer is committed before it is read."""
        inputs = outputs = 0
        for attempt in range(1, ATTEMPTS + 1):
            request = question.request | {"attempt": attempt}
            stored = self._kept(request) or await self._pay(question, request)
            question.cost += cost(stored)
            answer = read_answer(stored.status, stored.body)
            question.answered |= stored.status == 200
            inputs, outputs = inputs + (answer.input_tokens or 0), outputs + (answer.output_tokens or 0)
            question.decision = Decision(answer.value, answer.reason, answer.problem, attempt, inputs, outputs)
            if _ends(stored, answer):
                return

    async def _pay(self, question: Question, request: Row, once: bool = False) -> Stored:
        """The reply to a request. An answer is committed at once, a refusal when it is known to be the item's.

        Trouble that lasts is the item's own where others are answered still; it is not kept. `once`: it is not waited
        for.
        """
        server, refusals = self._servers[id(question.service)], self._refusals[id(question.service)]
        await self._ledger.reserve(question.bound)
        paid, before = 0.0, refusals.count
        try:
            reply, body = await server.answer(question.turns, 0 if once else self._judge.max_retries)
            self._calls += 1
            prices = question.service.prices
            status = UNREADABLE if reply.kind == "unreadable" else reply.status
            stored = Stored(status, body, question.bound, *((prices.input, prices.output) if prices else (0.0, 0.0)))
            paid = cost(stored)
            if reply.kind == "answer":
                self._cache.put(request, stored)
        finally:
            await self._ledger.release(question.bound, paid)
        if reply.kind == "answer":
            refusals.an_answer(partial(self._is_known_answered, question.service, request, question.bound), before)
        elif reply.kind == "lasting":
            if not once:
                if not await self._is_up(question):
                    raise InputError(server.lasting(reply))
                return await self._pay(question, request, once=True)  # it may be over
        elif reply.kind == "config" and refusals.ask_known is None:
            raise InputError(server.refusal(reply, False))
        elif question.item:  # else it was asked to learn whether anything is answered
            of_the_item = reply.kind == "item" or self._cache.was_refused(request)
            message = server.refusal(reply, refusals.answered)
            await refusals.a_refusal(question.item, of_the_item, lambda: self._cache.put(request, stored), message)
        return stored

    async def _is_up(self, question: Question) -> bool:
        """Does the service answer others while trouble with a question lasts?

        One that had an answer is asked once more. Where none had, a few other items are tried; an answer is theirs.
        """
        refusals, tried = self._refusals[id(question.service)], {question.item}
        async with refusals.deciding:
            if refusals.ask_known:
                return await refusals.ask_known()
            for other in self._open[id(question.service)]:
                request = other.request | {"attempt": 1}
                if other.item not in tried and not other.turn.locked() and self._kept(request) is None:
                    tried.add(other.item)
                    async with other.turn:
                        await self._pay(other, request, once=True)
                if refusals.answered or len(tried) > FEW:
                    break
            return refusals.answered

    def _go_on(self) -> None:
        if self._halted:
            raise _Halted
        self._check()

    def _say(self) -> None:
        left, unpaid = None, max(0, self._unanswered - self._calls)  # answers of an earlier run are settled at once
        if self._calls:
            left = unpaid * (time.monotonic() - self._started) / self._calls
        ceiling = self._judge.ceiling
        figures: dict[str, float | str] = {"calls made": str(self._calls)}
        if ceiling is not None:
            figures["spent"] = f"{self._ledger.spent:.4f} of {ceiling:.2f}"
        self._progress.update(self._settled, left=left, figures=figures)


def _ends(stored: Stored, answer: Answer) -> bool:
    """Is a question settled by this reply? A refusal is not asked for again, an answer without a verdict is."""
    return answer.value is not None or stored.status not in (200, UNREADABLE)


def raise_first(ended: Iterable[BaseException | None]) -> None:
    """Raise what ended the run, rather than what it made end."""
    errors = [error for error in ended if error is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _Halted)):
        raise error

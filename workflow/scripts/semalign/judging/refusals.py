"""Telling what a server refuses of one item from what it refuses altogether."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from semalign.runtime.errors import InputError

ENOUGH = 20
"""Different items in a row without an answer, after which a refusal is no longer taken for the items' own."""

FEW = 3
"""Other items that are tried where trouble with one lasts and none was answered yet."""


@dataclass
class Refusals:
    """Refusals, and successes that cannot be read, of one service since its last answer.

    They belong to their items, and are kept, as soon as the server answers another item that it was asked later. Where
    it answers none, refuses ENOUGH different items in a row, or the last ones of all, a question that an earlier call
    answered is asked once more. Where that is refused too, or there is none, they belong to the server: InputError.
    `ask_known` asks that question: is it answered? None: there is none. deciding: held while others are tried.
    """

    ask_known: Callable[[], Awaitable[bool]] | None
    answered: bool = False
    message: str = ""
    count: int = 0
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _since_decided: int = 0
    _waiting: list[tuple[str, bool, Callable[[], None]]] = field(default_factory=list)

    def an_answer(self, ask_known: Callable[[], Awaitable[bool]], before: int) -> None:
        """The server answers: what it refused before belongs to the items. `before`: `count` when it was asked."""
        self.answered, self.ask_known = True, ask_known
        self._keep(before)

    async def a_refusal(self, item: str, of_the_item: bool, keep: Callable[[], None], message: str) -> None:
        """`keep` writes the refusal down. `of_the_item`: by its words it is not the server's, unless all get it."""
        self.message = message
        self.count += 1
        self._waiting.append((item, of_the_item, keep))
        if len({item for item, *_ in self._waiting[self._since_decided :]}) >= ENOUGH:
            self._since_decided = len(self._waiting)  # calls under way need not decide it too
            await self._decide()

    async def at_the_end(self) -> None:
        """No item is left. Raises InputError where none was answered, or the server has begun to refuse them all."""
        if self.waits() or len({item for item, of_the_item, _ in self._waiting if not of_the_item}) > 1:
            await self._decide()
        self._keep(self.count)

    def waits(self) -> bool:
        """Has the server refused items and answered none?"""
        return bool(self._waiting) and not self.answered

    async def _decide(self) -> None:
        before = self.count
        if self.ask_known is None or not await self.ask_known():
            raise InputError(self.message)
        self._keep(before)

    def _keep(self, before: int) -> None:
        """Keep the first refusals, of which there were so many at a moment."""
        number = max(0, len(self._waiting) - (self.count - before))
        for *_, keep in self._waiting[:number]:
            keep()
        del self._waiting[:number]
        self._since_decided = max(0, self._since_decided - number)

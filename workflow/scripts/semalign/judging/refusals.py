"""Telling what a server refuses of one item from what it refuses altogether."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from semalign.runtime.errors import InputError

ENOUGH = 20
"""Different items in a row without an answer, after which a refusal is no longer taken for the items' own."""


@dataclass
class Refusals:
    """Refusals, and successes that cannot be read, of one service since its last answer.

    They belong to their items, and are kept, as soon as the server answers another item. Where it answers none, or
    refuses ENOUGH different items in a row, a question that an earlier call answered is asked once more. Where that is
    refused too, or there is none, they belong to the server: InputError.
    `ask_known` asks that question: is it answered? None: there is none.
    """

    ask_known: Callable[[], Awaitable[bool]] | None
    answered: bool = False
    message: str = ""
    _items: set[str] = field(default_factory=set)
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def an_answer(self, ask_known: Callable[[], Awaitable[bool]]) -> None:
        """The server answers: what it refused before belongs to the items."""
        self.answered, self.ask_known = True, ask_known
        self._keep()

    async def a_refusal(self, item: str, of_the_item: bool, keep: Callable[[], None], message: str) -> None:
        """`keep` writes the refusal down. `of_the_item`: it cannot be the server's, if that answers others at all."""
        if of_the_item and self.answered:
            keep()
            return
        self.message = message
        self._waiting.append(keep)
        self._items.add(item)
        if len(self._items) >= ENOUGH:
            self._items.clear()  # calls under way need not decide it too
            await self._decide()

    async def at_the_end(self) -> None:
        """No item is left. Raises InputError where none was answered."""
        if self.waits():
            await self._decide()
        self._keep()

    def waits(self) -> bool:
        """Has the server refused items and answered none?"""
        return bool(self._waiting) and not self.answered

    async def _decide(self) -> None:
        if self.ask_known is None or not await self.ask_known():
            raise InputError(self.message)
        self._keep()

    def _keep(self) -> None:
        for keep in self._waiting:
            keep()
        self._waiting.clear()
        self._items.clear()

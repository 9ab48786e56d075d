"""What judging has cost and may still cost, against the ceiling."""

import asyncio
from dataclasses import dataclass, field

from semalign.judging.service import AGAIN
from semalign.runtime.errors import InputError


@dataclass
class Ledger:
    """What is spent and what calls under way may still cost."""

    ceiling: float | None
    spent: float
    under_way: float = 0.0
    calls: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def reserve(self, bound: float) -> None:
        """Wait until the call fits below the ceiling whatever it costs. Raises InputError where it never will."""
        async with self.changed:
            while self.ceiling is not None and self.spent + self.under_way + bound > self.ceiling:
                if self.calls == 0:
                    raise InputError(
                        f"judge: {self.spent:.2f} of judge.ceiling {self.ceiling:.2f} is spent and the next call may "
                        f"cost {bound:.4f}: raise the ceiling; {AGAIN}"
                    )
                await self.changed.wait()
            self.under_way, self.calls = self.under_way + bound, self.calls + 1

    async def release(self, bound: float, paid: float) -> None:
        """A call has ended, and cost so much."""
        async with self.changed:
            self.calls -= 1
            self.under_way = self.under_way - bound if self.calls else 0.0  # no rounding is left behind
            self.spent += paid
            self.changed.notify_all()

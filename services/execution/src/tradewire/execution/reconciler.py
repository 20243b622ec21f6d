"""When an account is held against its venue: at the start, when asked, and again and again."""

from __future__ import annotations

from tradewire.execution.account_reader import AccountReader
from tradewire.execution.domain.asking import Ask, AskPolicy
from tradewire.execution.domain.reconciled import Reconciled
from tradewire.ports.clock import ClockPort


class Reconciler:
    """``reconciled``: what the venue showed last."""

    def __init__(self, reader: AccountReader, clock: ClockPort, policy: AskPolicy) -> None:
        self._reader, self._clock, self._policy = reader, clock, policy
        self.reconciled, self._wanted = Reconciled(), 0
        self._ask = Ask(clock.now_us())

    @property
    def due_us(self) -> int:
        """When ``run`` is due, UTC µs."""
        return self._ask.due_us

    @property
    def owes(self) -> bool:
        """Was a comparison asked for that has not been made yet?"""
        return self.reconciled.number < self._wanted

    def request(self) -> int:
        """Compare now; the number that ``reconciled`` has once that is done.

        A comparison that is under way does not count: the venue may have been read before this was asked for.
        """
        self._wanted += 1
        self.hasten()
        return self._wanted

    def hasten(self) -> None:
        """Something was seen that the next comparison explains."""
        self._ask.due_us = self._clock.now_us()

    def postpone(self, jitter: float) -> None:
        """Try again later: the venue could not be read."""
        self._ask.due_us = self._clock.now_us() + self._policy.delay_us(self._ask.attempts, jitter)
        self._ask.attempts += 1

    async def run(self) -> list[str]:
        """Compare; returns the orders that must be asked for. Raises RetryableError."""
        wanted = self._wanted
        self.reconciled, unlike = await self._reader.read(wanted)
        wait_us = self._policy.settle_us if self.reconciled.doubtful else self._policy.reconcile_us
        self._ask = Ask(self._clock.now_us() + (wait_us if wanted == self._wanted else 0))
        return unlike

"""What one process took of each limit."""

from __future__ import annotations

from collections import defaultdict, deque

from tradewire.ports.clock import ClockPort
from tradewire.runtime.rate_budget.budget import Charge, SpentPort, Taken

LEAST_WAIT_S = 0.01


class MemorySpent(SpentPort):
    """A list of charges by time; the oldest leave it as they leave the window."""

    def __init__(self, clock: ClockPort) -> None:
        self._clock = clock
        self._spent: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._until_s: dict[str, float] = {}

    async def take(self, key: str, charge: Charge, most: int) -> Taken:
        now_s, spent = self._clock.monotonic_s(), self._current(key, charge)
        used = sum(amount for _, amount in spent)
        wait_s = self._until_s.get(key, 0.0) - now_s
        if wait_s <= 0 and used + charge.amount > most:
            wait_s = max(spent[0][0] + charge.window_s - now_s, LEAST_WAIT_S)
        if wait_s <= 0:
            spent.append((now_s, charge.amount))
            used += charge.amount
        recent = sum(amount for at_s, amount in spent if at_s > now_s - charge.window_s / 6)
        return Taken(max(wait_s, 0.0), used, recent)

    async def told(self, key: str, charge: Charge, used: int) -> None:
        spent = self._current(key, charge)
        unknown = used - sum(amount for _, amount in spent)
        if unknown > 0:
            spent.append((self._clock.monotonic_s(), unknown))

    async def stop(self, key: str, seconds: float) -> None:
        self._until_s[key] = max(self._until_s.get(key, 0.0), self._clock.monotonic_s() + seconds)

    async def close(self) -> None:
        """Nothing is open."""

    def _current(self, key: str, charge: Charge) -> deque[tuple[float, int]]:
        spent, first_s = self._spent[key], self._clock.monotonic_s() - charge.window_s
        while spent and spent[0][0] < first_s:
            spent.popleft()
        return spent

"""Who may ask a venue now, and who waits: lanes by urgency over limits that all processes share."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from tradewire.ports.errors import RetryableError
from tradewire.ports.metrics import Figure, Metric

log = logging.getLogger(__name__)


class Lane(IntEnum):
    """What a request is for, the most urgent first."""

    CANCEL = 0
    REDUCE = 1
    OPEN = 2
    DATA = 3


CEILING_PERCENT = {Lane.CANCEL: 98, Lane.REDUCE: 92, Lane.OPEN: 80, Lane.DATA: 60}
"""How far each lane may fill a limit: what is above its ceiling is kept for the more urgent ones."""
ALONE = 8
"""While the store is away a process keeps to this part of each lane's ceiling by itself."""
MARGIN_S = 5.0
"""Added to a limit's interval: requests reach the venue some time after they were counted."""
USED = Metric("tradewire_rate_budget_used", "gauge", ("limit",), "Counted by all processes in the limit's interval.")
FORECAST = Metric(
    "tradewire_rate_budget_forecast_ratio",
    "gauge",
    ("limit",),
    "Part of the limit that one interval takes at the present pace; above the ceiling of a lane its requests wait.",
)
DELAYS = Metric("tradewire_rate_budget_delays_total", "counter", ("lane",), "Requests that had to wait for the budget.")
DELAYED = Metric("tradewire_rate_budget_delay_seconds_total", "counter", ("lane",), "Time that requests waited for it.")
METRICS = (USED, FORECAST, DELAYS, DELAYED)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request takes of a limit: ``amount`` of at most ``most`` in any ``interval_s``. ``name`` is shown."""

    name: str
    amount: int
    most: int
    interval_s: float

    @property
    def window_s(self) -> float:
        """The span over which the store adds up: any of this length, so no edge of the venue's clock matters."""
        return self.interval_s * (1 + MARGIN_S / 60)


class Taken(NamedTuple):
    """``wait_s``: 0 when it was taken. ``used``: in the window, with it; ``recent``: in its last sixth."""

    wait_s: float
    used: int
    recent: int


class SpentPort(Protocol):
    """What was taken of each limit of an address, by all who share it."""

    @abstractmethod
    async def take(self, key: str, charge: Charge, most: int) -> Taken:
        """Count a charge if no more than ``most`` is then used. Raises RetryableError."""

    @abstractmethod
    async def told(self, key: str, charge: Charge, used: int) -> None:
        """The venue counts ``used``: what is more than ours is someone else's, and counted. Raises RetryableError."""

    @abstractmethod
    async def stop(self, key: str, seconds: float) -> None:
        """Let nobody take anything for a time: the venue said so. Raises RetryableError."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""


class RateBudget:
    """The budget of one address. ``alone`` stands in while ``shared`` is away."""

    def __init__(
        self,
        address: str,
        shared: SpentPort,
        alone: SpentPort,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._address, self._shared, self._alone, self._sleep = address, shared, alone, sleep
        self._used: dict[str, int] = {}
        self._forecast: dict[str, float] = {}
        self._delays = dict.fromkeys(Lane, 0)
        self._delayed_s = dict.fromkeys(Lane, 0.0)
        self._away = False

    async def take(self, lane: Lane, charges: Sequence[Charge]) -> float:
        """Wait until a request may leave; the seconds waited. A lane waits when its ceiling is reached."""
        waited_s = 0.0
        for charge in charges:
            while (wait_s := await self._ask(lane, charge)) > 0:
                await self._sleep(wait_s)
                waited_s += wait_s
        if waited_s:
            self._delays[lane] += 1
            self._delayed_s[lane] += waited_s
        return waited_s

    async def told(self, charge: Charge, used: int) -> None:
        """Take over what the venue says it counts for this address, where that is more than is known here."""
        if used <= self._used.get(charge.name, 0):
            return
        await self._try(lambda spent: spent.told(self._key(charge), charge, used))

    async def stop(self, charge: Charge, seconds: float) -> None:
        """The venue limits the address: nobody goes on before."""
        await self._try(lambda spent: spent.stop(self._key(charge), seconds))

    async def close(self) -> None:
        """Disconnect."""
        await self._shared.close()

    def figures(self) -> Iterator[Figure]:
        """For metrics."""
        yield from (Figure(USED, (name,), used) for name, used in self._used.items())
        yield from (Figure(FORECAST, (name,), ratio) for name, ratio in self._forecast.items())
        yield from (Figure(DELAYS, (lane.name.lower(),), count) for lane, count in self._delays.items())
        yield from (Figure(DELAYED, (lane.name.lower(),), seconds) for lane, seconds in self._delayed_s.items())

    async def _ask(self, lane: Lane, charge: Charge) -> float:
        """Seconds to wait; 0 when the charge was taken."""
        most = charge.most * CEILING_PERCENT[lane] // 100
        assert charge.amount <= most // ALONE, f"{charge.amount} of {charge.name} never fits into {most // ALONE}"
        try:
            taken = await self._shared.take(self._key(charge), charge, most)
            self._came_back()
        except RetryableError as error:
            self._went_away(error)
            taken = await self._alone.take(self._key(charge), charge, most // ALONE)
        self._used[charge.name] = taken.used
        self._forecast[charge.name] = taken.recent * 6 / charge.most
        return taken.wait_s

    async def _try(self, call: Callable[[SpentPort], Awaitable[None]]) -> None:
        try:
            await call(self._shared)
        except RetryableError as error:
            self._went_away(error)
            await call(self._alone)

    def _went_away(self, error: RetryableError) -> None:
        if not self._away:
            log.warning("the shared rate budget is away, this process keeps to a part of it: %s", error)
        self._away = True

    def _came_back(self) -> None:
        if self._away:
            log.info("the shared rate budget is back")
        self._away = False

    def _key(self, charge: Charge) -> str:
        return f"{self._address} {charge.name}"

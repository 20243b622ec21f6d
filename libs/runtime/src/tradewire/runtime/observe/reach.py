"""Whether the servers that a service depends on answer, asked beside its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.message import WaitReason
from tradewire.runtime.observe.failures_logged import FailuresLogged, why
from tradewire.runtime.observe.metrics import Metrics


class Reach:
    """Asks one dependency again and again. ``name``: stable, as label; ``what``: for people."""

    def __init__(
        self,
        name: str,
        ask: Callable[[], Awaitable[None]],
        *,
        service: str,
        metrics: Metrics,
        clock: ClockPort,
        every_s: float,
    ) -> None:
        self.name, self._ask, self._clock, self._every_s = name, ask, clock, every_s
        self._service, self._metrics = service, metrics
        self._reached_s = clock.monotonic_s()
        self._error = ""

    async def watch(self) -> None:
        """Ask until cancelled. An answer that does not come counts like an error: nothing is reached meanwhile."""
        failures = FailuresLogged(f"a question to the {self.name}")
        while True:
            with failures:
                await self._once()
            await asyncio.sleep(self._every_s)

    async def _once(self) -> None:
        try:
            await self._ask()
        except TradewireError as error:
            self._error = f": {error}"
        except Exception as error:
            self._error = f": {why(error)}"
            raise
        else:
            self._reached_s, self._error = self._clock.monotonic_s(), ""
            self._metrics.reached.labels(self._service, self.name).set(self._clock.now_us() / 1e6)

    def waits(self, within_s: float) -> Iterator[WaitReason]:
        """The dependency, when it has not answered for so long."""
        silent_s = self._clock.monotonic_s() - self._reached_s
        if silent_s > within_s:
            yield WaitReason("unreachable", f"{self.name}: no answer for {silent_s:.0f} s{self._error}")

"""The supervisor: services and servers are started again when they end, ever later the shorter they lived."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from tradewire.embedded.errors import StackError
from tradewire.embedded.patience import Patience
from tradewire.embedded.platform_state import ServiceState
from tradewire.embedded.process_mark import ProcessMark
from tradewire.embedded.service_processes import ServiceProcess, Starting
from tradewire.embedded.stack import Stack
from tradewire.ports.clock import ClockPort

LOOK_SECONDS = 0.5
"""How often the supervisor looks; nothing waits for it."""
PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX = 1.0, 30.0
TELL_SECONDS = 15.0
"""How often it says whom it waits for."""
STEADY_SECONDS = 60.0
"""A service that ran this long begins anew with the shortest pause."""
LOOP_DEATHS, LOOP_SECONDS = 3, 600.0
Say = Callable[[str], None]


@dataclass
class Restarts:
    """When a service that died may start again. Times are monotonic seconds."""

    pause_s: float = PAUSE_SECONDS_FIRST
    started_s: float = 0.0
    due_s: float | None = None
    deaths_s: deque[float] = field(default_factory=lambda: deque(maxlen=LOOP_DEATHS))
    why: str = ""
    frozen: bool = False

    def is_loop(self, now_s: float) -> bool:
        """Did it end by itself again and again, the first time not long ago, and has not run for a while since?"""
        deaths = self.deaths_s
        recent = len(deaths) == LOOP_DEATHS and now_s - deaths[0] < LOOP_SECONDS
        steady = self.due_s is None and now_s - self.started_s >= STEADY_SECONDS
        return recent and not steady

    def died(self, now_s: float) -> float:
        """Note a death; returns the pause before the next start, doubled for each death in short order."""
        if now_s - self.started_s >= STEADY_SECONDS:
            self.pause_s = PAUSE_SECONDS_FIRST
        pause_s, self.pause_s = self.pause_s, min(2 * self.pause_s, PAUSE_SECONDS_MAX)
        self.due_s = now_s + pause_s
        self.deaths_s.append(now_s)
        return pause_s

    def started(self, now_s: float) -> None:
        """Note a start."""
        self.started_s, self.due_s = now_s, None


@dataclass
class Supervisor:
    """Keeps ``services`` and the servers of ``stack`` running. ``changed`` is called after each look."""

    services: Sequence[ServiceProcess]
    stack: Stack
    clock: ClockPort
    say: Say
    _restarts: dict[str, Restarts] = field(default_factory=dict)

    def start(self) -> None:
        """Start every service."""
        for service in self.services:
            self._begin(service)

    async def supervise(self, changed: Callable[[], None]) -> None:
        """Start again whatever ends, until cancelled."""
        while True:
            for service in self.services:
                self._look_after(service)
            for part in self.stack.dead():
                await self._revive(part)
            changed()
            await asyncio.sleep(LOOK_SECONDS)

    def states(self) -> dict[str, ServiceState]:
        """How each service is, by name."""
        return {service.name: self._state_of(service) for service in self.services}

    async def until_ready(self, quiet_s: float) -> list[str]:
        """Wait as long as one of the services works at its start; returns the names of those that are not ready then.

        Each is judged alone: one that ends again and again does not hold up the end of waiting for one that hangs.
        """
        waiting = [Starting(service, quiet_s, self.clock) for service in self.services]
        tell = Patience(TELL_SECONDS, self.clock)
        async with httpx.AsyncClient() as client:
            while waiting:
                for each in waiting:
                    await each.look(client)
                    if each.ready:
                        self.say(f"{each.service.name} is ready")
                waiting = [each for each in waiting if not each.ready]
                if all(each.failed or self._is_loop(each.service) for each in waiting):
                    break
                if tell.is_over(len(waiting)):
                    self.say(f"waiting for {', '.join(each.service.name for each in waiting)}")
                    tell = Patience(TELL_SECONDS, self.clock)
                await asyncio.sleep(LOOK_SECONDS)
        return [each.service.name for each in waiting]

    def _is_loop(self, service: ServiceProcess) -> bool:
        restarts = self._restarts.get(service.name)
        return restarts is not None and restarts.is_loop(self.clock.monotonic_s())

    def _begin(self, service: ServiceProcess) -> None:
        service.start()
        self._restarts.setdefault(service.name, Restarts()).started(self.clock.monotonic_s())

    def _state_of(self, service: ServiceProcess) -> ServiceState:
        mark = ProcessMark.of(service.pid) if service.pid is not None else None
        restarts = self._restarts.get(service.name)
        ended = restarts.why if restarts is not None else ""
        loop = self._is_loop(service)
        return ServiceState(mark, service.url, service.starts, str(service.log_folder), loop, ended)

    def _look_after(self, service: ServiceProcess) -> None:
        restarts, now_s = self._restarts[service.name], self.clock.monotonic_s()
        if service.running:
            self._say_if_frozen(service, restarts)
            return
        if restarts.due_s is None:
            pause_s, restarts.why = restarts.died(now_s), service.why_ended()
            self.say(f"{service.name} {restarts.why}; starting it again in {pause_s:.0f} s")
        elif now_s >= restarts.due_s:
            self._begin(service)
            self.say(f"{service.name} started again, for the {service.starts - 1}. time")

    def _say_if_frozen(self, service: ServiceProcess, restarts: Restarts) -> None:
        """A process that a signal stopped has not ended: it is not started again, and goes on when it is told to."""
        was, restarts.frozen = restarts.frozen, service.frozen
        if restarts.frozen and not was:
            self.say(f"{service.name} is frozen (SIGSTOP): kill -CONT {service.pid} lets it go on")
        elif was and not restarts.frozen:
            self.say(f"{service.name} goes on")

    async def _revive(self, part: str) -> None:
        self.say(f"{part} ended; starting it again")
        try:
            await asyncio.to_thread(self.stack.restart, part)
        except StackError as error:
            self.say(f"{part} did not come back: {error}")

"""How each service process of a kept platform is: what it says of itself, or why it says nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tradewire.app.inspecting.lag import partition_lags
from tradewire.embedded import Endpoints
from tradewire.embedded.platform_state import PlatformState, ServiceState
from tradewire.embedded.service_processes import MONOLITH
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.observe.instance_status import InstanceStatus

ASK_SECONDS = 7.0
"""Longest wait for an answer: whoever is only slow must not look dead, and a stall is told within 30 s."""
INSTANCES_SECONDS = 15.0
NO_ANSWER = "no answer"
"""The health of a process that runs and says nothing."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service. ``lag_seconds`` is that of its worst partition; None when it is not known.

    ``waits_for``: what it can't go on without, as `tradewire.ports.message.WaitReason`; ``silent``: why it says nothing
    of itself now; ``ended``: how and why an earlier process of it ended by itself last.
    """

    name: str
    pid: int | None
    health: str
    phase: str
    last_success_us: int | None
    handled: int
    published: int
    dead_letters: int
    restarts: int
    lag_records: int | None
    lag_seconds: float | None
    last_error: str | None
    log: str
    waits_for: tuple[dict[str, Any], ...] = ()
    unready: tuple[dict[str, Any], ...] = ()
    crash_loop: bool = False
    silent: str = ""
    ended: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def busy() -> str:
    """Says that this machine has more work than it can do, where that is so: a part may be slow and well."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return f"; this machine is busy (load {load:.0f} on {cores} cores), ask again" if load > 2 * cores else ""


def with_own_lag(service: ServiceStatus, instances: tuple[InstanceStatus, ...] | str) -> ServiceStatus:
    """The lag as the service itself reports it, where the broker tells none: the views' group changes its name."""
    if service.lag_records is not None or isinstance(instances, str):
        return service
    own = [one for one in instances if one.service == service.name and one.pid == service.pid]
    return replace(service, lag_records=own[0].lag_records, lag_seconds=own[0].lag_seconds) if own else service


async def services_of(
    platform: PlatformState, endpoints: Endpoints | None, clock: ClockPort
) -> tuple[ServiceStatus, ...]:
    """Every service of the platform, asked."""
    lags = await _lags(endpoints, clock)
    async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
        reports = await asyncio.gather(*(_health(client, state) for state in platform.services.values()))
    return tuple(
        _service(one, state, report, lags.get(one, (None, None)))
        for (name, state), report in zip(platform.services.items(), reports, strict=True)
        for one in (_within(report) or [name] if name == MONOLITH else [name])
    )


def _within(report: dict[str, Any] | str) -> list[str]:
    return [] if isinstance(report, str) else list(report.get("services") or ())


def service_problems(services: Iterable[ServiceStatus]) -> Iterator[str]:
    """What stands against each service now; how an earlier process of it ended comes after that, as history."""
    for service in services:
        if service.health != "ok":
            waits = "; ".join(f"{wait['reason']}: {wait['what']}" for wait in service.unready)
            state = "does not answer" if service.health == NO_ANSWER else f"is {service.health}"
            earlier = (
                f"; an earlier process {service.ended}" if service.silent and service.pid and service.ended else ""
            )
            yield f"{service.name} {state}: {waits or service.last_error or service.phase}{earlier}"
        if service.crash_loop:
            why = f"; it {service.ended}" if service.ended else ""
            yield f"{service.name} is in a crash loop: started {service.restarts + 1} times{why}; see {service.log}"


async def _lags(endpoints: Endpoints | None, clock: ClockPort) -> dict[str, tuple[int | None, float | None]]:
    """Records and seconds behind by service; empty when the broker can't tell."""
    found: dict[str, tuple[int | None, float | None]] = {}
    if endpoints is None:
        return found
    bus = connect(endpoints.bus, client_id="tradewire-status")
    try:
        async with asyncio.timeout(INSTANCES_SECONDS):
            await bus.start()
            for lag in await partition_lags(bus, clock):
                records, seconds = found.get(lag.group, (0, 0.0))
                worst = None if seconds is None or lag.seconds is None else max(seconds, lag.seconds)
                found[lag.group] = ((records or 0) + lag.records, worst)
    except (TradewireError, TimeoutError):
        return {}
    finally:
        await bus.close()
    return found


async def _health(client: httpx.AsyncClient, state: ServiceState) -> dict[str, Any] | str:
    """What the service's process says of itself, or why it says nothing."""
    if state.mark is None or state.mark.process() is None:
        return f"it {state.ended}" if state.ended else "it does not run"
    if state.mark.is_stopped():
        return frozen(state.mark.pid)
    if state.url is None:
        return "it has just started: its HTTP server does not listen yet"
    try:
        return dict((await client.get(f"{state.url}/health")).json())
    except httpx.TimeoutException:
        return f"it runs, and gave no answer within {ASK_SECONDS:g} s{busy()}"
    except (httpx.HTTPError, ValueError) as error:
        return f"it runs, and could not be asked: {type(error).__name__} {error}".strip()


def frozen(pid: int) -> str:
    """Says that a process is stopped, and how it goes on."""
    return f"process {pid} is frozen (SIGSTOP): kill -CONT {pid} lets it go on"


def _service(
    name: str, state: ServiceState, report: dict[str, Any] | str, lag: tuple[int | None, float | None]
) -> ServiceStatus:
    alive = state.mark is not None and state.mark.process() is not None
    silent = report if isinstance(report, str) else ""
    told: dict[str, Any] = {} if isinstance(report, str) else report
    own: dict[str, Any] = told.get("services", {}).get(name, {})
    return ServiceStatus(
        name=name,
        pid=state.mark.pid if state.mark is not None and alive else None,
        health=told.get("status", NO_ANSWER) if alive else "down",
        phase=own.get("phase", "-"),
        last_success_us=own.get("last_success_us"),
        handled=own.get("handled", 0),
        published=own.get("published", 0),
        dead_letters=own.get("dead_letters", 0),
        restarts=max(0, state.starts - 1),
        lag_records=lag[0],
        lag_seconds=lag[1],
        last_error=own.get("last_error") or silent or None,
        log=state.log,
        waits_for=tuple(own.get("waits_for", ())),
        unready=tuple(own.get("unready", ())),
        crash_loop=state.crash_loop,
        silent=silent,
        ended=state.ended,
        details=own.get("details", {}),
    )

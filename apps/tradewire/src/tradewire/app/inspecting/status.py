"""How a kept platform is: its servers, its services, and what they were last seen to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tradewire.app.inspecting.lag import partition_lags
from tradewire.app.operating.ids_in_use import ids_in_use
from tradewire.embedded import Endpoints, StackPaths, StackState, read_state
from tradewire.embedded.platform_state import PlatformState, ServiceState, read_platform
from tradewire.embedded.service_processes import MONOLITH, SERVICES
from tradewire.embedded.user_settings import shown
from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.codec import Codec
from tradewire.runtime.observe.instance_status import InstanceStatus, problems, seen_instances
from tradewire.runtime.observe.secrets import scrub

ASK_SECONDS = 7.0
"""Longest wait for an answer: whoever is only slow must not look dead, and a stall is told within 30 s."""
INSTANCES_SECONDS = 15.0
PORTS = {"kafka": "bootstrap_servers", "postgres": "postgres_dsn", "registry": "registry_url", "redis": "redis_url"}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server of the stack. ``answers``: does it serve; ``last_success_us``: when it last did, as far as we saw."""

    name: str
    pid: int | None
    address: str
    answers: bool
    detail: str = ""
    last_success_us: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service. ``lag_seconds`` is that of its worst partition; None when it is not known.

    ``waits_for``: what it can't go on without, as `tradewire.ports.message.WaitReason`; ``ended``: how and why it ended
    by itself last.
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
    ended: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """Everything at once. ``healthy``: all servers answer and every instance of every service does its work.

    ``instances``: whoever reported itself on the bus, also those that this platform did not start; None: the bus did
    not tell. ``problems``: what is wrong, a sentence each.
    """

    root: str
    phase: str
    owner_pid: int
    market: str
    healthy: bool
    servers: tuple[ServerStatus, ...]
    services: tuple[ServiceStatus, ...]
    instances: tuple[InstanceStatus, ...] | None = None
    problems: tuple[str, ...] = ()


async def cluster_status(bus: EventBusPort, codec: Codec, clock: ClockPort, url: str) -> PlatformStatus:
    """What the services on a bus say of themselves, whoever started them. Raises RetryableError."""
    instances = await seen_instances(bus, codec, clock)
    found = tuple(problems(instances, SERVICES))
    return PlatformStatus(
        root=url,
        phase="running" if instances else "unknown",
        owner_pid=0,
        market="",
        healthy=not found,
        servers=(),
        services=(),
        instances=tuple(instances),
        problems=found,
    )


async def platform_status(root: Path, clock: ClockPort) -> PlatformStatus | None:
    """Ask every part of the platform kept in ``root``; None when none runs there."""
    stack, platform = read_state(StackPaths.under(root)), read_platform(root)
    if stack is None or stack.owner.process() is None:
        return None
    servers = await asyncio.gather(*(_server(name, stack, clock) for name in stack.servers))
    services: tuple[ServiceStatus, ...] = ()
    instances: tuple[InstanceStatus, ...] | str = "it does not answer"
    if platform is not None and platform.owner == stack.owner:
        own = [server.answers for server in servers if server.name == "kafka"]
        endpoints = stack.endpoints if all(own) else None  # what does not answer is not asked again
        services, instances = await asyncio.gather(_services(platform, endpoints, clock), _instances(endpoints, clock))
        services = tuple(_with_own_lag(service, instances) for service in services)
    found = _problems(servers, services, instances)
    return PlatformStatus(
        root=str(root),
        phase=platform.phase.value if platform is not None else "running" if stack.ready else "starting",
        owner_pid=stack.owner.pid,
        market=platform.market if platform is not None else "",
        healthy=(platform is None or platform.phase.value == "running") and not found,
        servers=tuple(servers),
        services=services,
        instances=None if isinstance(instances, str) else instances,
        problems=tuple(found),
    )


def _problems(
    servers: Sequence[ServerStatus], services: Sequence[ServiceStatus], instances: tuple[InstanceStatus, ...] | str
) -> list[str]:
    """A server that does not answer, a service that is not well, an instance that is not: each by name.

    ``instances``: what they reported, or why that is not known.
    """
    found = [f"{server.name} does not answer: {server.detail}" for server in servers if not server.answers]
    for service in services:
        if service.health != "ok":
            why = "; ".join(f"{wait['reason']}: {wait['what']}" for wait in service.unready)
            found.append(f"{service.name} is {service.health}: {why or service.last_error or service.phase}")
        if service.crash_loop:
            why = f"; it {service.ended}" if service.ended else ""
            found.append(
                f"{service.name} is in a crash loop: started {service.restarts + 1} times{why}; see {service.log}"
            )
    if isinstance(instances, str):
        return [*found, f"the bus does not tell which instances there are: {instances}"] if services else found
    asked = {service.pid for service in services}
    return found + problems([one for one in instances if one.pid not in asked], ())


async def _instances(endpoints: Endpoints | None, clock: ClockPort) -> tuple[InstanceStatus, ...] | str:
    """Whoever reported itself, or why that is not known."""
    if endpoints is None:
        return "it does not answer"
    bus = connect(endpoints.bus, client_id="tradewire-status")
    try:
        async with asyncio.timeout(INSTANCES_SECONDS):
            await bus.start()
            ids = await ids_in_use(bus, endpoints.registry_url)
            return tuple(await seen_instances(bus, Codec(ids), clock))
    except TradewireError as error:
        return scrub(str(error))
    except TimeoutError:
        return f"no answer within {INSTANCES_SECONDS:g} s{busy()}"
    finally:
        await bus.close()


def busy() -> str:
    """Says that this machine has more work than it can do, where that is so: a part may be slow and well."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return f"; this machine is busy (load {load:.0f} on {cores} cores), ask again" if load > 2 * cores else ""


def _with_own_lag(service: ServiceStatus, instances: tuple[InstanceStatus, ...] | str) -> ServiceStatus:
    """The lag as the service itself reports it, where the broker tells none: the views' group changes its name."""
    if service.lag_records is not None or isinstance(instances, str):
        return service
    own = [one for one in instances if one.service == service.name and one.pid == service.pid]
    return replace(service, lag_records=own[0].lag_records, lag_seconds=own[0].lag_seconds) if own else service


async def _server(name: str, stack: StackState, clock: ClockPort) -> ServerStatus:
    address = str(getattr(stack.endpoints, PORTS[name]) or "")
    visible = shown(address)
    pids = [mark.pid for mark in stack.servers[name] if mark.process() is not None]
    started_s = clock.monotonic_s()
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await _ask(name, address)
    except (OSError, TimeoutError, TradewireError, httpx.HTTPError, asyncpg.PostgresError) as error:
        late = isinstance(error, TimeoutError)
        detail = f"no answer within {ASK_SECONDS:g} s{busy()}" if late else f"{type(error).__name__} {error}".strip()
        return ServerStatus(name, pids[0] if pids else None, visible, answers=False, detail=scrub(detail))
    took_ms = (clock.monotonic_s() - started_s) * 1000
    return ServerStatus(name, pids[0] if pids else None, visible, True, f"{took_ms:.0f} ms", clock.now_us())


async def _ask(name: str, address: str) -> None:
    """The simplest question that a working server answers. Raises what its client raises."""
    match name:
        case "kafka":
            bus = connect(f"kafka://{address}", client_id="tradewire-status")
            try:
                await bus.start()
            finally:
                await bus.close()
        case "postgres":
            connection = await asyncpg.connect(address)
            try:
                await connection.execute("SELECT 1")
            finally:
                await connection.close()
        case "registry":
            async with httpx.AsyncClient() as client:
                (await client.get(f"{address}/subjects")).raise_for_status()
        case _:
            parts = httpx.URL(address)
            _, writer = await asyncio.open_connection(parts.host, parts.port)
            writer.close()
            await writer.wait_closed()


async def _services(
    platform: PlatformState, endpoints: Endpoints | None, clock: ClockPort
) -> tuple[ServiceStatus, ...]:
    lags = await _lags(endpoints, clock)
    async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
        reports = await asyncio.gather(*(_health(client, state) for state in platform.services.values()))
    return tuple(
        _service(one, state, report, lags.get(one, (None, None)))
        for (name, state), report in zip(platform.services.items(), reports, strict=True)
        for one in (report.get("services") or [name] if name == MONOLITH else [name])
    )


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


async def _health(client: httpx.AsyncClient, state: ServiceState) -> dict[str, Any]:
    if state.mark is None or state.url is None or state.mark.process() is None:
        return {}
    try:
        return dict((await client.get(f"{state.url}/health")).json())
    except (httpx.HTTPError, ValueError):
        return {}


def _service(
    name: str, state: ServiceState, report: dict[str, Any], lag: tuple[int | None, float | None]
) -> ServiceStatus:
    alive = state.mark is not None and state.mark.process() is not None
    own: dict[str, Any] = report.get("services", {}).get(name, {})
    return ServiceStatus(
        name=name,
        pid=state.mark.pid if state.mark is not None and alive else None,
        health=report.get("status", "no answer") if alive else "down",
        phase=own.get("phase", "-"),
        last_success_us=own.get("last_success_us"),
        handled=own.get("handled", 0),
        published=own.get("published", 0),
        dead_letters=own.get("dead_letters", 0),
        restarts=max(0, state.starts - 1),
        lag_records=lag[0],
        lag_seconds=lag[1],
        last_error=own.get("last_error") or (None if own else state.ended or None),
        log=state.log,
        waits_for=tuple(own.get("waits_for", ())),
        unready=tuple(own.get("unready", ())),
        crash_loop=state.crash_loop,
        ended=state.ended,
        details=own.get("details", {}),
    )

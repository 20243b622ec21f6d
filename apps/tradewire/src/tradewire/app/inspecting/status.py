"""How a kept platform is: its servers, its services, and what they were last seen to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from tradewire.app.inspecting.service_status import (
    ASK_SECONDS,
    INSTANCES_SECONDS,
    ServiceStatus,
    busy,
    frozen,
    service_problems,
    services_of,
    with_own_lag,
)
from tradewire.app.operating.ids_in_use import ids_in_use
from tradewire.embedded import Endpoints, StackPaths, StackState, read_state
from tradewire.embedded.platform_state import read_platform
from tradewire.embedded.service_processes import SERVICES
from tradewire.embedded.user_settings import shown
from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.codec import Codec
from tradewire.runtime.observe.instance_status import InstanceStatus, problems, seen_instances
from tradewire.runtime.observe.secrets import scrub

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
        services, instances = await asyncio.gather(
            services_of(platform, endpoints, clock), _instances(endpoints, clock)
        )
        services = tuple(with_own_lag(service, instances) for service in services)
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
    found += service_problems(services)
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
        detail = next((frozen(mark.pid) for mark in stack.servers[name] if mark.is_stopped()), detail)
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

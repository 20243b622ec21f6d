"""``tradewire status``: what runs, how it is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.moments import ago, iso, span
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, epilog, refuse_idle
from tradewire.app.cli.output import CommandError, Exit, out, print_json, run_async, tell
from tradewire.app.cli.reach import ROOTS, Where, reached
from tradewire.app.inspecting.service_status import ServiceStatus
from tradewire.app.inspecting.status import PlatformStatus, ServerStatus, cluster_status, platform_status
from tradewire.runtime.access.roles import Role
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.observe.secrets import scrub

WAITS_SHOWN = 3


def status(
    context: typer.Context,
    root: Annotated[
        Path | None, typer.Option("--root", help="Folder of the platform; default: the one running under .tradewire/.")
    ] = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Health, phase, lag and last success of every server, service and instance. Exit code 1 when one is not well.

    With `--bus` it is about every instance that reported itself there, whoever started it.
    """
    clock, where = SystemClock(), Where(root, bus, registry_url)
    if bus is None or root is not None:
        refuse_idle(context, ["registry_url"], "a platform of a folder knows its registry; it is for --bus alone")

    async def work() -> PlatformStatus:
        if bus is not None and root is None:
            async with reached(where, Role.VIEWER) as there:
                return await cluster_status(there.bus, there.codec, clock, scrub(bus))
        for folder in [root] if root is not None else ROOTS:
            found = await platform_status(folder, clock)
            if found is not None:
                return found
        folders = root if root is not None else " or ".join(map(str, ROOTS))
        raise CommandError(f"no platform runs in {folders}; start one with `tradewire up`", Exit.UNREACHABLE)

    found = run_async(work)
    show_status(found, clock.now_us(), as_json=as_json)
    if not found.healthy:
        raise typer.Exit(Exit.REFUSED)


def show_status(found: PlatformStatus, now_us: int, *, as_json: bool) -> None:
    """Print it, for people or for programs."""
    if as_json:
        print_json(found)
    else:
        _show(found, now_us)


def _show(found: PlatformStatus, now_us: int) -> None:
    whose = f", pid {found.owner_pid}" if found.owner_pid else ""
    tell(f"{found.phase} in {found.root}{whose}", style="green" if found.healthy else "yellow")
    if found.market:
        tell(found.market)
    if found.servers:
        _show_servers(found)
    if found.services:
        _show_services(found, now_us)
    _show_instances(found, now_us)
    for problem in found.problems:
        tell(problem, style="yellow")


def _show_instances(found: PlatformStatus, now_us: int) -> None:
    """Those that are not among the services of this platform."""
    mine = {service.pid for service in found.services}
    others = [one for one in found.instances or () if one.pid not in mine and one.state != "stopped"]
    if not others:
        return
    table = Table("instance", "state", "host", "last success", box=None, pad_edge=False)
    for name in ("lag", "lag age", "starts"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in others:
        colour = "green" if one.state == "ready" else "red"
        table.add_row(
            one.instance_id,
            f"[{colour}]{one.state}[/]",
            one.host,
            ago(one.last_success_us, now_us),
            "-" if one.lag_records is None else f"{one.lag_records:,}",
            "-" if one.lag_seconds is None else span(one.lag_seconds),
            f"{one.starts:,}",
        )
    out.print(table)


def _show_servers(found: PlatformStatus) -> None:
    servers = Table("server", "pid", "state", "answered", "address", box=None, pad_edge=False)
    for server in found.servers:
        servers.add_row(*_server_row(server))
    out.print(servers)


def _show_services(found: PlatformStatus, now_us: int) -> None:
    services = Table(box=None, pad_edge=False)
    for name in ("service", "state", "last success"):
        services.add_column(name, no_wrap=True)
    for name in ("lag", "lag age", "handled", "dead", "restarts"):
        services.add_column(name, justify="right", no_wrap=True)
    for service in found.services:
        services.add_row(*_service_row(service, now_us))
    out.print(services)
    for service in found.services:
        _show_waits(service)
        if service.health != "ok":
            tell(f"{service.name}: {service.last_error or 'see its log'} — {service.log}", style="yellow")


def _show_waits(service: ServiceStatus) -> None:
    """What the service can't go on without, a line each: the oldest few."""
    for waiting in service.waits_for[:WAITS_SHOWN]:
        stood = f", {span(waiting['seconds'])}" if "seconds" in waiting else ""
        step = f" since {iso(waiting['event_time_us'])}{stood}" if waiting["event_time_us"] is not None else ""
        tell(f"{service.name} waits for {waiting['what']}{step}", style="yellow")
    if len(service.waits_for) > WAITS_SHOWN:
        tell(f"{service.name} waits for {len(service.waits_for) - WAITS_SHOWN} things more: see --json", style="yellow")


def _server_row(server: ServerStatus) -> tuple[str, ...]:
    state = "[green]ok[/]" if server.answers else "[red]no answer[/]"
    return server.name, str(server.pid or "-"), state, server.detail, server.address


def _service_row(service: ServiceStatus, now_us: int) -> tuple[str, ...]:
    colour = "green" if service.health == "ok" else "red" if service.health == "down" else "yellow"
    state = service.phase if service.health == "ok" else service.health
    return (
        service.name,
        f"[{colour}]{state}[/]",
        ago(service.last_success_us, now_us),
        "-" if service.lag_records is None else f"{service.lag_records:,}",
        "-" if service.lag_seconds is None else span(service.lag_seconds),
        f"{service.handled:,}",
        f"{service.dead_letters:,}",
        f"{service.restarts:,}",
    )


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asked = ("tradewire status", "tradewire status --bus kafka://localhost:9092 --json")
    app.command("status", epilog=epilog(*asked))(status)

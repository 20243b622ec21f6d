"""``tradewire up | down``: a platform that is kept running."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import psutil
import typer

from tradewire.app.cli.environment import hold_names, hold_settings
from tradewire.app.cli.market_options import MarketOptions, external_of, market_of
from tradewire.app.cli.options import JsonOption, OtlpOption, epilog, refuse_idle
from tradewire.app.cli.output import CommandError, Exit, fail, print_json, run_async, say, tell
from tradewire.app.cli.reach import UP_ROOT
from tradewire.app.cli.run import NOT_BUILT
from tradewire.app.cli.status import show_status
from tradewire.app.cli.up_options import (
    DataOption,
    DsnOption,
    ForegroundOption,
    IntervalOption,
    LeanOption,
    MarketOption,
    MonolithOption,
    OpenOption,
    OwnBusOption,
    OwnRegistryOption,
    PaceOption,
    ServicesArgument,
    StrategiesOption,
    SymbolsOption,
    VenueOption,
    ZoneOption,
)
from tradewire.app.cli.web import show_link
from tradewire.app.inspecting.status import platform_status
from tradewire.app.operating.kept import KeptOptions, keep_platform, leftovers
from tradewire.app.operating.own_servers import reach
from tradewire.app.operating.platform import planned_environment
from tradewire.app.web.bundle import is_built
from tradewire.embedded import Phase, StackPaths, Step, is_running, read_state, shut_down
from tradewire.embedded.as_root import undo
from tradewire.embedded.external import External
from tradewire.embedded.ownership import Use, claim, use_of
from tradewire.embedded.paths import make_folder
from tradewire.embedded.platform_state import PlatformPhase, read_platform, state_file
from tradewire.embedded.process_mark import end
from tradewire.embedded.service_processes import SERVICES
from tradewire.embedded.user_settings import OWN_OF_EACH_PROCESS, refuse
from tradewire.ports.errors import RetryableError
from tradewire.runtime.clock import SystemClock

LOOK_SECONDS = 0.2
STOP_SECONDS = 90.0
SERVICE_GRACE_SECONDS = 15.0
LOG = "up.log"
OF_MARKET = ("market", "data", "venue", "symbols", "interval", "bars_per_second", "tz")
"""Options of ``up`` about what ingest reads."""
UP_EXAMPLES = (
    "tradewire up",
    "tradewire up --data data/sample --strategies strategies --bars-per-second 2",
    "tradewire up --venue binance --symbols BTCUSDT,ETHUSDT --interval 1m",
    "tradewire up --venue http://127.0.0.1:8545",
)
UpRootOption = Annotated[Path, typer.Option("--root", help="Folder of the platform's data, logs and state.")]


def up(
    context: typer.Context,
    services: ServicesArgument = None,
    lean: LeanOption = False,
    monolith: MonolithOption = False,
    market: MarketOption = None,
    data: DataOption = None,
    venue: VenueOption = None,
    symbols: SymbolsOption = None,
    interval: IntervalOption = None,
    strategies: StrategiesOption = None,
    bars_per_second: PaceOption = None,
    tz: ZoneOption = None,
    bus: OwnBusOption = None,
    registry: OwnRegistryOption = None,
    dsn: DsnOption = None,
    foreground: ForegroundOption = False,
    otlp: OtlpOption = None,
    open_page: OpenOption = False,
    root: UpRootOption = UP_ROOT,
    as_json: JsonOption = False,
) -> None:
    """Keep the embedded servers and the services running with paper trading; what dies is started again.

    Data stays in the folder from one `up` to the next. Ask with `tradewire status`, end with `tradewire down`.
    Settings in the environment (TRADEWIRE_…) are in force; an option that contradicts one is refused.
    """
    hold_names()
    asked = MarketOptions(market, data, venue, symbols, interval, bars_per_second, strategies, tz)
    external = external_of(bus, registry, dsn or [], os.environ)
    chosen = _chosen(services, monolith=monolith)
    _refuse_idle(context, chosen, lean=lean, foreground=foreground)
    trades, web = market_of(asked, os.environ), not lean and is_built()
    options = KeptOptions(root, trades, chosen, lean, otlp, external, monolith, web)
    hold_settings(planned_environment(trades.scenario, options.run), chosen)
    _refuse_running(root)
    _hold_reachable(external, monolith=monolith)
    if foreground:
        run_async(lambda: keep_platform(options, say=say, progress=_show_step))
        return
    settings = external.as_settings() | ({"TRADEWIRE_OTLP_URL": otlp} if otlp is not None else {})
    run_async(lambda: _start_behind(root, _words(options, asked), settings))
    if web and (open_page or not as_json):
        show_link(root, open_page=open_page, say=say if as_json else tell)
    _show_kept(root, as_json=as_json)


def _words(options: KeptOptions, asked: MarketOptions) -> list[str]:
    """The command line of the process that keeps the platform."""
    services = ["--monolith"] if options.monolith else [*options.services]
    return [*services, *(["--lean"] if options.lean else []), *asked.words(), "--root", str(options.root)]


def _refuse_idle(context: typer.Context, services: tuple[str, ...], *, lean: bool, foreground: bool) -> None:
    """Raise CommandError for options that were typed and have no effect on this platform."""
    if foreground:
        refuse_idle(context, ["as_json", "open_page"], "--foreground stays here and says what happens")
    if lean or not is_built():
        refuse_idle(context, ["open_page"], "--lean has no dashboard" if lean else NOT_BUILT)
    if "ingest" not in services:
        refuse_idle(context, OF_MARKET, f"ingest reads the market, and only {', '.join(services)} is started")
    if not {"ingest", "strategy"} <= set(services):
        why = "strategies are published where ingest and strategy are started"
        refuse_idle(context, ["strategies"], f"{why}, and only {', '.join(services)} is")


def _show_kept(root: Path, *, as_json: bool) -> None:
    """Show what is kept now. It is up whatever a slow part answers; only what can't stay up is a failure."""
    clock = SystemClock()
    found = run_async(lambda: platform_status(root, clock))
    if found is None:
        raise CommandError(f"the platform in {root} ended; see {StackPaths.under(root).logs / LOG}", Exit.FAILED)
    show_status(found, clock.now_us(), as_json=as_json)
    if any(service.crash_loop for service in found.services):
        raise typer.Exit(Exit.REFUSED)


def _chosen(services: list[str] | None, *, monolith: bool) -> tuple[str, ...]:
    """The services to run. Raises CommandError for what is none, and for some of a monolith, which is all."""
    if services and monolith:
        fail(f"--monolith runs all six services, not {', '.join(services)} alone", Exit.USAGE)
    if unknown := [name for name in services or () if name not in SERVICES]:
        fail(f"found service {', '.join(unknown)}; allowed: {', '.join(SERVICES)}", Exit.USAGE)
    return tuple(services or SERVICES)


def _refuse_running(root: Path) -> None:
    """Raise CommandError when a platform runs there, SettingsConflictError for what its processes can't share."""
    refuse(OWN_OF_EACH_PROCESS, os.environ, "each process of a platform has its own: unset it")
    state = read_state(StackPaths.under(root))
    if is_running(StackPaths.under(root)):
        owner = f" (pid {state.owner.pid})" if state is not None else ""
        fail(f"a platform runs in {root} already{owner}: see `tradewire status`, end it with `tradewire down`")
    claim(StackPaths.under(root).root, Use.UP)


def _hold_reachable(external: External, *, monolith: bool) -> None:
    """Raise CommandError for a server of the user's own that can't be used, before any other is started."""
    if external.bus_url is not None and external.bus_url.startswith("memory:") and not monolith:
        fail(f"--bus {external.bus_url}: found a bus within one process, for six; allowed: --monolith too", Exit.USAGE)
    try:
        run_async(lambda: reach(external))
    except ValueError as error:
        fail(f"--bus: {error}", Exit.USAGE)
    except RetryableError as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error


def _show_step(step: Step) -> None:
    if step.phase in (Phase.READY, Phase.STOPPED):
        took = f" in {step.elapsed_s:.1f} s" if step.elapsed_s is not None else ""
        say(f"{step.part} {step.phase.value}{took}")


async def _start_behind(root: Path, words: list[str], settings: Mapping[str, str]) -> None:
    """Start a process that keeps the platform, and repeat what it says until it is up. Ends it when interrupted.

    ``settings``: what must not be on a command line, where everyone can read it.
    """
    log_file = make_folder(StackPaths.under(root).logs, purpose="logs") / LOG
    keeper = _spawn(words, settings, log_file)
    try:
        with log_file.open("r", encoding="utf-8", errors="replace") as said:
            while not _is_up(root, keeper.pid):
                for line in said:
                    say(line.rstrip())
                if keeper.poll() is not None:
                    raise CommandError(f"the platform ended while starting; see {log_file}", Exit.FAILED)
                await asyncio.sleep(LOOK_SECONDS)
    except BaseException:
        keeper.terminate()
        await asyncio.to_thread(keeper.wait)  # its own steps have bounds
        raise


def _spawn(words: list[str], settings: Mapping[str, str], log_file: Path) -> subprocess.Popen[bytes]:
    """The process that keeps the platform: in a session of its own, so that the terminal's Ctrl-C is not its own."""
    with log_file.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "tradewire.app.cli", "up", "--foreground", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **settings, "NO_COLOR": "1"},
        )


def _is_up(root: Path, pid: int) -> bool:
    state = read_platform(root)
    return state is not None and state.owner.pid == pid and state.phase is PlatformPhase.RUNNING


def down(root: UpRootOption = UP_ROOT, as_json: JsonOption = False) -> None:
    """Stop what `up` started, by process id and command line, and nothing else. Data stays.

    What a start as root changed on the machine (docs/runbooks/embedded-servers.md) is undone.
    """
    stopped, undone = _stop(root) if use_of(StackPaths.under(root).root) is not None else (False, [])
    if as_json:
        print_json({"root": root, "stopped": stopped, "undone": undone})
    else:
        for line in undone:
            tell(line)
        tell(f"stopped the platform in {root}" if stopped else f"nothing runs in {root}")


def _stop(root: Path) -> tuple[bool, list[str]]:
    """Stop the platform of a marked folder; whether there was one, and what was undone."""
    paths, state = StackPaths.under(root), read_platform(root)
    keeper = state.owner.process() if state is not None else None
    stopped = shut_down(paths, quiet_s=STOP_SECONDS, progress=_show_step)
    if keeper is not None:
        psutil.wait_procs([keeper], timeout=STOP_SECONDS)  # it has let go of the servers and only has to exit
    for mark in leftovers(state) if state is not None else ():
        process = mark.process()
        if process is not None:
            end(process, grace_s=SERVICE_GRACE_SECONDS)
            stopped = True
    state_file(root).unlink(missing_ok=True)
    return stopped, list(undo(paths.root, paths.part("postgres")))


def add_to(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("up", epilog=epilog(*UP_EXAMPLES))(up)
    app.command("down", epilog=epilog("tradewire down"))(down)

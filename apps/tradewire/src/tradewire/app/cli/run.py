"""``tradewire setup`` and ``tradewire run``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tradewire.app.cli.environment import hold_names, hold_settings
from tradewire.app.cli.finished_run import Finished, bars_of, show_finished
from tradewire.app.cli.options import JsonOption, OtlpOption, ReplayBusOption, epilog, refuse_idle
from tradewire.app.cli.output import Exit, err, fail, print_json, run_async
from tradewire.app.cli.web import show_link
from tradewire.app.inspecting.latency import hop_latencies
from tradewire.app.operating.platform import RunOptions, begin, planned_environment, platform, replay
from tradewire.app.operating.scenario import Scenario, sample_scenarios
from tradewire.app.operating.watch import RunResult
from tradewire.app.web.bundle import is_built
from tradewire.embedded import Phase, StackPaths, Step, fetch
from tradewire.embedded.external import DATABASES, External, dsn_setting
from tradewire.embedded.user_settings import MARKET, refuse, shown
from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.topics import TOPICS
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import topics as bus_topics
from tradewire.runtime.clock import SystemClock

DEFAULT_ROOT = Path(".tradewire/run")
OF_PROCESSES = ("partitions", "registry", "root", "keep", "open_page")
"""Options of ``run`` that are about servers and processes."""
NOT_BUILT = "the dashboard is not built in this installation"


def project_root() -> Path:
    """The checkout that holds the sample data: here, or above."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "data/sample").is_dir() and (folder / "strategies").is_dir():
            return folder
    return fail(f"no data/sample and strategies/ in {here} or above: `tradewire init` writes them", Exit.USAGE)


def setup(
    registry: Annotated[bool, typer.Option(help="Fetch the schema registry too.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Fetch the embedded servers (Kafka, schema registry) once; what is there already is checked and kept."""
    paths = StackPaths.under(DEFAULT_ROOT)
    with _progress() as bars:
        fetch(paths, registry=registry, progress=_steps(bars))
    if as_json:
        print_json({"fetched": ["kafka", *(["registry"] if registry else [])], "folder": paths.jars})
    else:
        err.print(f"servers are ready to start: {paths.jars}")


def run(
    context: typer.Context,
    scenario: Annotated[str, typer.Option(help="btc-hourly or three-daily.")] = "btc-hourly",
    monolith: Annotated[
        bool, typer.Option("--monolith", help="All services in this process, on a memory bus.")
    ] = False,
    partitions: Annotated[int | None, typer.Option(min=1, help="Partitions of every shared topic.")] = None,
    registry: Annotated[bool, typer.Option(help="Run a schema registry; without: ids of contracts/ids.json.")] = True,
    root: Annotated[Path, typer.Option(help="Folder of the run's servers and logs.")] = DEFAULT_ROOT,
    otlp: OtlpOption = None,
    bus: ReplayBusOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up after the replay, until Ctrl-C.")] = False,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the dashboard in the browser; stay up with `--keep`.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Replay a sample scenario at full speed over real servers and six processes; ends with its fingerprint."""
    hold_names()
    scenarios = sample_scenarios(project_root())
    if scenario not in scenarios:
        fail(f"--scenario: found {scenario!r}, allowed {', '.join(sorted(scenarios))}", Exit.USAGE)
    chosen = scenarios[scenario]
    bars_of(chosen)
    if not registry:
        refuse(["TRADEWIRE_REGISTRY_URL"], os.environ, "--no-registry takes the ids of contracts/ids.json")
    dsns = tuple(map(dsn_setting, DATABASES))
    refuse((*MARKET, *dsns), os.environ, "`run` replays a sample into a ledger of its own; `tradewire up` takes yours")
    _refuse_idle(context, monolith=monolith, own_bus=bus is not None, registry=registry)
    if monolith:
        hold_settings(os.environ)
        finished = run_async(lambda: _monolith(chosen, bus, otlp))
    else:
        counts = {"S": partitions, "A": partitions} if partitions is not None else {}
        own = External(bus, os.environ.get("TRADEWIRE_REGISTRY_URL"))
        options = RunOptions(root, registry=registry, partitions=counts, otlp_url=otlp, external=own, web=is_built())
        hold_settings(planned_environment(chosen, options))
        finished = run_async(lambda: _processes(chosen, options, keep=keep, open_page=open_page))
    show_finished(chosen, finished, None if monolith else root, as_json=as_json)


def _refuse_idle(context: typer.Context, *, monolith: bool, own_bus: bool, registry: bool) -> None:
    """Raise CommandError for options that were typed and have no effect on this run."""
    if monolith:
        refuse_idle(context, OF_PROCESSES, "--monolith runs all in this process: no servers, folder or dashboard")
    if own_bus and registry:
        refuse_idle(context, ["registry"], "no registry is run beside a bus of your own")
    if not is_built():
        refuse_idle(context, ["open_page"], NOT_BUILT)


async def _monolith(scenario: Scenario, bus_url: str | None, otlp_url: str | None) -> Finished:
    # six services: a second that other commands need not wait
    from tradewire.app.operating.monolith import run_monolith

    clock = SystemClock()
    with _progress() as bars:
        async with _bus(bus_url) as bus:
            started_s = clock.monotonic_s()
            follow, say = _follow(bars, scenario), _say(bars)
            result = await run_monolith(scenario, progress=follow, bus=bus, telemetry=True, say=say, otlp_url=otlp_url)
            return Finished(result, clock.monotonic_s() - started_s)


@asynccontextmanager
async def _bus(url: str | None) -> AsyncIterator[EventBusPort | None]:
    """A bus of the user's own with its topics, empty so far; None where none was named. Raises CommandError."""
    if url is None or url.startswith("memory:"):
        yield None
        return
    await bus_topics.apply(url, await bus_topics.plan(url))
    bus = connect(url, client_id="tradewire-run")
    await bus.start()
    try:
        await _refuse_used(bus, url)
        yield bus
    finally:
        await bus.close()


async def _refuse_used(bus: EventBusPort, url: str) -> None:
    """Raise CommandError for a bus that holds another run: the two would be one."""
    for topic in sorted(TOPICS):
        places = [Place(topic, p) for p in range(await bus.partitions(topic))]
        if any((await bus.end_offsets(places)).values()):
            fail(f"--bus {shown(url)}: {topic} holds records of another run; allowed: a bus without any")


async def _processes(scenario: Scenario, options: RunOptions, *, keep: bool, open_page: bool) -> Finished:
    with _progress() as bars:
        say = _say(bars)
        async with platform(scenario, options, progress=_steps(bars), say=say) as running:
            if options.external.bus_url is not None:
                await _refuse_used(running.bus, options.external.bus_url)
            accounts = await begin(running, scenario, say=say)
            if options.web:
                show_link(options.root, open_page=open_page, say=say)
            say("replaying")
            clock = SystemClock()
            started_s = clock.monotonic_s()
            result = await replay(running, accounts, progress=_follow(bars, scenario))
            seconds = clock.monotonic_s() - started_s
            say("measuring hops")
            finished = Finished(result, seconds, tuple(await hop_latencies(running.bus, running.codec)))
            if keep:
                err.print(f"{shown(running.stack.endpoints.bus)}; everything stays up until Ctrl-C")
                await asyncio.Event().wait()
    return finished


@contextmanager
def show_steps(scenario: Scenario) -> Iterator[Callable[[RunResult], None]]:
    """A bar on the terminal that shows how far the replay has come."""
    with _progress() as bars:
        yield _follow(bars, scenario)


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True)


def _say(bars: Progress) -> Callable[[str], None]:
    return lambda text: bars.console.print(f"  {text}", highlight=False)


def _steps(bars: Progress) -> Callable[[Step], None]:
    """Shows what the servers are doing."""
    tasks: dict[str, Any] = {}

    def show(step: Step) -> None:
        if step.phase is Phase.FETCH and step.done_ratio is not None:
            task = tasks.setdefault(step.part, None)
            if task is None:
                task = tasks[step.part] = bars.add_task(f"fetching {step.part}", total=100)
            bars.update(task, completed=round(step.done_ratio * 100))
        elif step.phase in (Phase.READY, Phase.STOPPED):
            took = f" in {step.elapsed_s:.1f} s" if step.elapsed_s is not None else ""
            bars.console.print(f"  {step.part} {step.phase.value}{took}", highlight=False)

    return show


def _follow(bars: Progress, scenario: Scenario) -> Callable[[RunResult], None]:
    """Shows how far the replay has come: bars that happened to the slowest account."""
    total = bars_of(scenario)
    task = bars.add_task("replaying bars", total=total)
    symbols = len(scenario.files)

    def show(result: RunResult) -> None:
        slowest = min((account.states for account in result.accounts.values()), default=0)
        bars.update(task, completed=slowest if symbols == 1 else min(total, slowest * symbols))

    return show


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("setup", epilog=epilog("tradewire setup"))(setup)
    app.command("run", epilog=epilog("tradewire run --scenario three-daily --partitions 12"))(run)

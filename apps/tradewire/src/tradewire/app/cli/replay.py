"""``tradewire replay``: the steps of `tradewire run` for services that run elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from tradewire.app.cli.finished_run import Finished, show_finished
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, fail, print_json, run_async, say
from tradewire.app.cli.reach import Where, reached
from tradewire.app.cli.run import project_root, show_steps
from tradewire.app.operating import elsewhere
from tradewire.app.operating.permission import permitted
from tradewire.app.operating.scenario import Scenario, sample_scenarios
from tradewire.runtime.access.roles import Role
from tradewire.runtime.clock import SystemClock

app = typer.Typer(
    help="Replay a sample scenario through services that run elsewhere, e.g. in containers: prepare, register, watch.",
    no_args_is_help=True,
    epilog=epilog("tradewire replay watch --bus kafka://localhost:29092"),
)
ScenarioOption = Annotated[str, typer.Option(help="btc-hourly or three-daily.")]


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="replay")


def scenario_of(name: str) -> Scenario:
    """A sample scenario by its name. Raises CommandError."""
    scenarios = sample_scenarios(project_root())
    return scenarios.get(name) or fail(
        f"--scenario: found {name!r}, allowed {', '.join(sorted(scenarios))}", Exit.USAGE
    )


@app.command(epilog=epilog("tradewire replay prepare --bus kafka://localhost:29092 --replication 1"))
def prepare(
    replication: Annotated[int | None, typer.Option(min=1, help="Replicas instead of the topic map's.")] = None,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Before any service starts: topics, schemas, and ingest held back until strategies are registered."""
    permitted(Role.OPERATOR)
    where = Where(root, bus, registry_url)
    registry = registry_url or where.endpoints().registry_url

    async def work() -> bool:
        await elsewhere.prepare_servers(where.bus(), registry, replication=replication)
        async with reached(where, Role.OPERATOR) as platform:
            return await elsewhere.hold_back(platform.operator)

    held = run_async(work)
    if as_json:
        print_json({"prepared": True, "ingest_held_back": held})
    else:
        say("topics and schemas are there; " + ("ingest waits" if held else "strategies were registered before"))


@app.command(epilog=epilog("tradewire replay register --bus kafka://localhost:29092"))
def register(
    scenario: ScenarioOption = "btc-hourly",
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """When ingest and strategy are ready, and before the others start: publish limits and strategies."""
    chosen, where = scenario_of(scenario), Where(root, bus, registry_url)

    async def work() -> tuple[str, ...]:
        async with reached(where, Role.OPERATOR) as platform:
            return await elsewhere.register(platform.operator, chosen)

    registered = run_async(work)
    if as_json:
        print_json({"registered": list(registered)})
    else:
        say(f"registered: {', '.join(registered) or 'nothing, all were before'}")


@app.command(epilog=epilog("tradewire replay watch --bus kafka://localhost:29092"))
def watch(
    scenario: ScenarioOption = "btc-hourly",
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the replay to its end and print what `tradewire run` prints, the fingerprint last.

    Let ingest go with `tradewire resume --service ingest` once all services are ready.
    """
    chosen, where = scenario_of(scenario), Where(root, bus, registry_url)

    async def work() -> Finished:
        clock = SystemClock()
        with show_steps(chosen) as progress:
            async with reached(where, Role.VIEWER) as platform:
                started_s = clock.monotonic_s()
                result = await elsewhere.watch(platform.bus, platform.codec, platform.operator, progress)
                return Finished(result, clock.monotonic_s() - started_s)

    show_finished(chosen, run_async(work), None, as_json=as_json)

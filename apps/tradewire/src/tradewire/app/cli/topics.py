"""``tradewire topics``: the topic map compared with a cluster, and carried out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tradewire.app.cli.options import BusOption, JsonOption, RootOption, epilog
from tradewire.app.cli.output import Exit, print_json, run_async, tell
from tradewire.app.cli.reach import Where
from tradewire.app.operating.permission import permitted
from tradewire.runtime.access.roles import Role
from tradewire.runtime.bus import topics as bus_topics
from tradewire.runtime.bus.kafka_topics import TopicPlan

app = typer.Typer(
    help="Compare topics with contracts/topics.yaml, and create or correct them.",
    no_args_is_help=True,
    epilog=epilog("tradewire topics plan"),
)
ReplicationOption = Annotated[
    int | None, typer.Option(min=1, help="Replicas instead of the topic map's; default: 1 for an embedded broker.")
]
PartitionsOption = Annotated[
    int | None, typer.Option(min=1, help="Partitions of every shared topic instead of the topic map's.")
]


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="topics")


@app.command(epilog=epilog("tradewire topics plan", "tradewire topics plan --bus kafka://broker:9092"))
def plan(
    partitions: PartitionsOption = None,
    replication: ReplicationOption = None,
    root: RootOption = None,
    bus: BusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `apply` would do; changes nothing. Exit code 1 when a partition count forbids it."""
    where = Where(root, bus)
    found = run_async(lambda: _plan(where, partitions, replication))
    _show(found, as_json=as_json, applied=False)
    if found.blocked:
        raise typer.Exit(Exit.REFUSED)


@app.command(epilog=epilog("tradewire topics apply", "tradewire topics apply --bus redis://127.0.0.1:6379/0"))
def apply(
    partitions: PartitionsOption = None,
    replication: ReplicationOption = None,
    root: RootOption = None,
    bus: BusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create missing topics and correct settings; partition counts never change. Again is harmless."""
    where = Where(root, bus)
    permitted(Role.OPERATOR)

    async def work() -> TopicPlan:
        found = await _plan(where, partitions, replication)
        await bus_topics.apply(where.bus(), found)
        return found

    _show(run_async(work), as_json=as_json, applied=True)


async def _plan(where: Where, partitions: int | None, replication: int | None) -> TopicPlan:
    counts = {"S": partitions, "A": partitions} if partitions is not None else {}
    factor = replication or (1 if where.bus_url is None else None)
    return await bus_topics.plan(where.bus(), partitions=counts, replication=factor)


def _show(found: TopicPlan, *, as_json: bool, applied: bool) -> None:
    if as_json:
        print_json(_document(found, applied=applied))
        return
    tell(str(found), style="red" if found.blocked else None)
    if applied and not found.empty:
        tell(f"created {len(found.create)} topics, set {len(found.drift)} settings", style="green")


def _document(found: TopicPlan, *, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied,
        "blocked": found.blocked,
        "create": found.create,
        "drift": found.drift,
        "partition_mismatches": found.partition_mismatches,
        "replication_mismatches": found.replication_mismatches,
        "unmanaged": found.unmanaged,
    }

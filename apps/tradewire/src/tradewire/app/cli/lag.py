"""``tradewire lag``: how far consumer groups are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tradewire.app.cli.moments import span
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog, finite
from tradewire.app.cli.output import Exit, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.inspecting.lag import PartitionLag, TopicLag, by_topic, partition_lags
from tradewire.runtime.access.roles import Role
from tradewire.runtime.clock import SystemClock

if TYPE_CHECKING:
    from tradewire.runtime.observe.instance_status import InstanceStatus

ABOVE_SECONDS = 30.0


def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="One row per partition.")] = False,
    above_records: Annotated[
        int | None,
        typer.Option(min=0, help="End with exit code 1 when a group is further behind than this."),
    ] = None,
    above_seconds: Annotated[
        float,
        typer.Option(
            min=0, callback=finite, help="End with exit code 1 when a record waits longer, or for how long is unknown."
        ),
    ] = ABOVE_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how far each consumer group is behind its topics, in records and seconds, and for what its members wait.

    A group that never committed is behind from the first record kept. Exit code 1 when a record waits too long, or an
    instance does not do its work.
    """
    from tradewire.runtime.observe.instance_status import (  # with the whole loop, when it is asked for
        problems,
        seen_instances,
    )

    clock = SystemClock()

    async def work() -> tuple[list[PartitionLag], list[InstanceStatus]]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            lags = await partition_lags(platform.bus, clock)
            return lags, await seen_instances(platform.bus, platform.codec, clock)

    lags, instances = run_async(work)
    wrong = problems(instances, ())
    topics = by_topic(lags)
    if as_json:
        document = [{**_fields(part), "records": part.records} for part in lags]
        print_json({"topics": topics, "partitions": document, "instances": instances, "problems": wrong})
    elif partitions:
        _show_partitions(lags)
    else:
        _show_topics(topics)
    if not as_json:
        _show_waits(instances, wrong)
    if wrong or any(_too_far(topic, above_records, above_seconds) for topic in topics):
        raise typer.Exit(Exit.REFUSED)


def _too_far(topic: TopicLag, above_records: int | None, above_seconds: float) -> bool:
    if above_records is not None and topic.records > above_records:
        return True
    return topic.seconds is None or topic.seconds > above_seconds


def _fields(part: PartitionLag) -> dict[str, object]:
    return {
        name: getattr(part, name) for name in ("group", "topic", "partition", "committed", "begin", "end", "seconds")
    }


def _show_topics(topics: list[TopicLag]) -> None:
    table = Table("group", "topic", box=None, pad_edge=False)
    for name in ("partitions", "never committed", "behind", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    for topic in topics:
        colour = "yellow" if topic.records else "green"
        row = (topic.group, topic.topic, str(topic.partitions))
        table.add_row(*row, str(topic.never_committed or "-"), f"[{colour}]{topic.records:,}[/]", _age(topic.seconds))
    out.print(table)


def _show_waits(instances: list[InstanceStatus], wrong: list[str]) -> None:
    for one in instances:
        for what in one.waits_for if one.state in ("ready", "not ready") else ():
            tell(f"{one.instance_id} waits for {what}", style="yellow")
    for problem in wrong:
        tell(problem, style="yellow")


def _show_partitions(lags: list[PartitionLag]) -> None:
    table = Table("group", "topic", box=None, pad_edge=False)
    for name in ("partition", "committed", "end", "behind", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in lags:
        committed = "never" if part.committed is None else f"{part.committed:,}"
        numbers = (str(part.partition), committed, f"{part.end:,}", f"{part.records:,}")
        table.add_row(part.group, part.topic, *numbers, _age(part.seconds))
    out.print(table)


def _age(seconds: float | None) -> str:
    return "?" if seconds is None else span(seconds) if seconds else "-"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lag", epilog=epilog("tradewire lag", "tradewire lag --partitions --json"))(lag)

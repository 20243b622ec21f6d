"""``tradewire lag``: how far consumer groups are behind."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.moments import span
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.lag import PartitionLag, TopicLag, by_topic, partition_lags
from tradewire.runtime.clock import SystemClock


def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="One row per partition.")] = False,
    above_records: Annotated[
        int | None, typer.Option(min=0, help="End with exit code 1 when a group is further behind than this.")
    ] = None,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how far each consumer group is behind its topics, in records and in seconds."""

    async def work() -> list[PartitionLag]:
        async with reached(Where(root, bus, registry_url)) as platform:
            return await partition_lags(platform.bus, SystemClock())

    lags = run_async(work)
    topics = by_topic(lags)
    if as_json:
        document = [{**_fields(part), "records": part.records} for part in lags]
        print_json({"topics": topics, "partitions": document})
    elif not lags:
        tell("no group has committed an offset yet")
    elif partitions:
        _show_partitions(lags)
    else:
        _show_topics(topics)
    if above_records is not None and any(topic.records > above_records for topic in topics):
        raise typer.Exit(Exit.REFUSED)


def _fields(part: PartitionLag) -> dict[str, object]:
    return {name: getattr(part, name) for name in ("group", "topic", "partition", "committed", "end", "seconds")}


def _show_topics(topics: list[TopicLag]) -> None:
    table = Table("group", "topic", box=None, pad_edge=False)
    for name in ("partitions", "behind", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    for topic in topics:
        colour = "yellow" if topic.records else "green"
        row = (topic.group, topic.topic, str(topic.partitions))
        table.add_row(*row, f"[{colour}]{topic.records:,}[/]", _age(topic.seconds))
    out.print(table)


def _show_partitions(lags: list[PartitionLag]) -> None:
    table = Table("group", "topic", box=None, pad_edge=False)
    for name in ("partition", "committed", "end", "behind", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in lags:
        numbers = (str(part.partition), f"{part.committed:,}", f"{part.end:,}", f"{part.records:,}")
        table.add_row(part.group, part.topic, *numbers, _age(part.seconds))
    out.print(table)


def _age(seconds: float | None) -> str:
    return "?" if seconds is None else span(seconds) if seconds else "-"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lag", epilog=epilog("tradewire lag", "tradewire lag --partitions --json"))(lag)

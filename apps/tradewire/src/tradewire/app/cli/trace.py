"""``tradewire trace``: the trace of an order, as a tree."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog, refuse_idle
from tradewire.app.cli.output import fail, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.inspecting.archive import Archive
from tradewire.app.inspecting.explain import explain_order
from tradewire.app.inspecting.traces import Trace, TraceSpan, fetch_trace
from tradewire.runtime.access.roles import Role

TRACE_ID = re.compile(r"[0-9a-f]{32}")
COMPOSE_JAEGER = "http://127.0.0.1:26686"
"""Where `docker compose --profile tracing up` has it."""
SHOWN = (
    "messaging.kafka.offset",
    "tradewire.symbol",
    "tradewire.strategy.id",
    "tradewire.risk.decision",
    "tradewire.client_order_id",
    "error.type",
)
"""Attributes that a line of the tree tells; ``--json`` tells all."""


def trace(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="CLIENT_ORDER_ID | TRACE_ID", help="A trace id: 32 hex digits.")],
    jaeger: Annotated[str, typer.Option(metavar="URL", help="Jaeger's query service.")] = COMPOSE_JAEGER,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the trace of an order as Jaeger holds it, from the candle to its fill: a tree, and a link.

    An order's trace id is read from Kafka, as `tradewire explain` does. Each line tells service, span, when it began
    after the trace's first span, and how long it took.
    """

    if TRACE_ID.fullmatch(what.lower()):
        refuse_idle(context, ["root", "bus", "registry_url"], "a trace id is asked of Jaeger alone")

    async def work() -> Trace:
        trace_id = what.lower()
        if not TRACE_ID.fullmatch(trace_id):
            async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
                trace_id = (await explain_order(Archive(platform.bus, platform.codec), what)).trace_id
            if not trace_id:
                fail(f"order {what!r} carries no trace id: its bar was not traced")
        return await fetch_trace(jaeger, trace_id)

    found = run_async(work)
    if as_json:
        print_json({**asdict(found), "begins_us": found.begins_us})
        return
    for first in found.roots:
        out.print(_tree(first, found.begins_us, None), soft_wrap=True)
    tell(f"\ntrace     {found.trace_id}, began {iso(found.begins_us)}")
    tell(f"page      {found.page}")


def _tree(span: TraceSpan, began_us: int, parent: Tree | None) -> Tree:
    """A span with its events and what it led to, in order of time."""
    line = _line(span, began_us)
    node = Tree(line, guide_style="dim") if parent is None else parent.add(line)
    for event in span.events:
        told = "  ".join(f"{key} {value}" for key, value in event.attributes.items())
        node.add(f"[dim]{_after(event.time_us - began_us)}  · {escape(event.name)}  {escape(told)}[/]")
    for child in span.children:
        _tree(child, began_us, node)
    return node


def _line(span: TraceSpan, began_us: int) -> str:
    shown = "  ".join(f"{key} {span.attributes[key]}" for key in SHOWN if key in span.attributes)
    links = "".join(f"  ↔ trace {link}" for link in span.links)
    style = "red" if span.failed else "bold"
    head = f"[cyan]{escape(span.service)}[/]  [{style}]{escape(span.name)}[/]"
    return (
        f"{head}  {_after(span.start_us - began_us)}, {span.duration_us / 1000:.2f} ms  [dim]{escape(shown + links)}[/]"
    )


def _after(us: int) -> str:
    return f"+{us / 1000:.2f} ms"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("tradewire trace twe-4n5w…", "tradewire trace 4bf92f3577b34da6a3ce929d0e0e4736 --jaeger URL")
    app.command("trace", epilog=epilog(*examples))(trace)

"""``tradewire halt | reduce-only | flatten | resume``: the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, fail, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.ports.events import ControlChanged, ControlLevel

GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Switch:
    """One position of the kill switch, as a command."""

    name: str
    level: ControlLevel
    help: str
    effect: str


SWITCHES = (
    Switch(
        "halt",
        ControlLevel.NO_NEW,
        "Stop opening and adding to positions, at once. Exits and protective orders go on working.",
        "no new positions are opened",
    ),
    Switch(
        "reduce-only",
        ControlLevel.REDUCE_ONLY,
        "Only orders that make a position smaller, at once.",
        "positions can only get smaller",
    ),
    Switch(
        "flatten",
        ControlLevel.FLATTEN,
        "Close every open position at the market, at once, and whatever else opens, until `resume`. Withdraws orders.",
        "open positions are being closed, also those that open now, until `tradewire resume`",
    ),
    Switch("resume", ControlLevel.NORMAL, "Lift the kill switch of a scope.", "trading goes on"),
)


def add_to(app: typer.Typer) -> None:
    """Add the four commands, and ``controls``, which tells what is in force."""
    for switch in SWITCHES:
        examples = (f"tradewire {switch.name}", f'tradewire {switch.name} --account main --reason "drill"')
        app.command(switch.name, help=switch.help, epilog=epilog(*examples))(_command(switch))
    app.command("controls", epilog=epilog("tradewire controls"))(controls)


def _command(switch: Switch) -> Callable[..., None]:
    def command(
        account: Annotated[str | None, typer.Option(help="Only this account; default: everything.")] = None,
        strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
        reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand",
        root: RootOption = None,
        bus: BusOption = None,
        registry_url: RegistryOption = None,
        as_json: JsonOption = False,
    ) -> None:
        scope = scope_of(account, strategy)

        async def work() -> dict[str, ControlChanged]:
            async with reached(Where(root, bus, registry_url)) as platform:
                await platform.operator.control(scope, switch.level, reason)
                return await platform.operator.controls()

        levels = run_async(work)
        if as_json:
            print_json({"scope": scope, "level": switch.level, "in_force": levels})
            return
        tell(f"{scope}: {switch.level.value} — {switch.effect}", style="green" if switch.name == "resume" else "yellow")
        others = [other for other in levels if other != scope]
        if switch.level is ControlLevel.NORMAL and others:
            tell(f"still in force for {', '.join(others)}; see `tradewire controls`", style="yellow")

    return command


def scope_of(account: str | None, strategy: str | None) -> str:
    """Scope of the control. Raises CommandError when both are given."""
    if account is not None and strategy is not None:
        fail("found --account and --strategy; allowed is one of them, or none for everything", Exit.USAGE)
    if account is not None:
        return f"account:{account}"
    return f"strategy:{strategy}" if strategy is not None else GLOBAL


def controls(
    root: RootOption = None, bus: BusOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False
) -> None:
    """Tell which controls are in force."""

    async def work() -> dict[str, ControlChanged]:
        async with reached(Where(root, bus, registry_url)) as platform:
            return await platform.operator.controls()

    levels = run_async(work)
    if as_json:
        print_json({"in_force": levels})
        return
    if not levels:
        tell("NORMAL everywhere", style="green")
        return
    table = Table("scope", "level", "since", "by", "reason", box=None, pad_edge=False)
    for scope, control in levels.items():
        table.add_row(
            scope, f"[yellow]{control.level.value}[/]", iso(control.issued_at_us), control.author, control.reason
        )
    out.print(table)

"""``tradewire halt | reduce-only | pause | flatten | resume``: the kill switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import (
    ANSWER_SECONDS,
    BusOption,
    JsonOption,
    RegistryOption,
    RootOption,
    WithinOption,
    epilog,
)
from tradewire.app.cli.output import Exit, fail, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.operating.effects import Outcome
from tradewire.app.operating.switching import AskedLevel, Obeyed, Switching
from tradewire.ports.bounds import GLOBAL, PAUSABLE
from tradewire.ports.events import ControlLevel
from tradewire.runtime.access.roles import Role
from tradewire.trading.controls import SERVICE


@dataclass(frozen=True, slots=True)
class Switch:
    """One position of the kill switch, as a command."""

    name: str
    level: ControlLevel
    help: str
    effect: str
    of_market: str = ""
    """Its effect on market data, where that is within the scope."""

    def effects(self, scope: str) -> str:
        """What obeying it means for a scope: of a service, for the market data that it lets in."""
        of_trading = () if scope.startswith(SERVICE) else (self.effect,)
        of_market = (self.of_market,) if self.of_market and (scope == GLOBAL or not of_trading) else ()
        return "; ".join((*of_trading, *of_market))


SWITCHES = (
    Switch(
        "halt",
        ControlLevel.NO_NEW,
        "Stop opening positions, at once: entries at work are withdrawn. Exits and protective orders go on.",
        "no new positions are opened",
    ),
    Switch(
        "reduce-only",
        ControlLevel.REDUCE_ONLY,
        "Only orders that make an account's position smaller, at once. Entries at work are withdrawn.",
        "positions can only get smaller",
    ),
    Switch(
        "flatten",
        ControlLevel.FLATTEN,
        "Close every open position at the market, at once, and whatever else opens, until `resume`. Withdraws orders.",
        "what is open is to be closed, also what opens later, until `tradewire resume`",
    ),
    Switch(
        "pause",
        ControlLevel.PAUSED,
        "Send nothing more, at once: no entries and no exits. Stops and take-profits at the venue go on working.",
        "nothing is sent; protective orders stay at work",
        "market data is held back, so that nothing fills on a paper account",
    ),
    Switch("resume", ControlLevel.NORMAL, "Lift the kill switch of a scope.", "trading goes on", "market data goes on"),
)


NAMES_SHOWN = 10
"""Names of accounts in one line."""
COLOURS = {Outcome.CLOSING: "yellow", Outcome.CANNOT_ACT: "red"}
"""Of outcomes that are told account by account."""


def add_to(app: typer.Typer) -> None:
    """Add the commands, and ``controls``, which tells what is in force."""
    for switch in SWITCHES:
        examples = (f"tradewire {switch.name}", f'tradewire {switch.name} --account main --reason "drill"')
        app.command(switch.name, help=switch.help, epilog=epilog(*examples))(_command(switch))
    app.command("controls", epilog=epilog("tradewire controls"))(controls)


def _command(switch: Switch) -> Callable[..., None]:
    def command(
        account: Annotated[str | None, typer.Option(help="Only this account; default: everything.")] = None,
        strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
        service: Annotated[str | None, typer.Option(help=f"Only this service: {', '.join(PAUSABLE)}.")] = None,
        reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand",
        within_s: WithinOption = ANSWER_SECONDS,
        root: RootOption = None,
        bus: BusOption = None,
        registry_url: RegistryOption = None,
        as_json: JsonOption = False,
    ) -> None:
        scope = scope_of(account, strategy, service)
        if service is not None and switch.level not in (ControlLevel.PAUSED, ControlLevel.NORMAL):
            fail(f"found --service with {switch.name}; allowed with pause and resume", Exit.USAGE)

        async def work() -> Obeyed:
            async with reached(Where(root, bus, registry_url), Role.OPERATOR) as platform:
                return await Switching(platform.operator).carry_out(scope, switch.level, reason, within_s)

        obeyed = run_async(work)
        if as_json:
            print_json(obeyed)
        else:
            _show(obeyed, switch)
        if obeyed.stuck:
            raise typer.Exit(Exit.REFUSED)

    return command


def _show(obeyed: Obeyed, switch: Switch) -> None:
    """A level, who obeys it, and each account on which something is still to happen."""
    tell(
        f"{obeyed.scope}: {switch.level.value} — {switch.effects(obeyed.scope)}",
        style="green" if switch.name == "resume" else "yellow",
    )
    tell(f"obeyed by {', '.join(f'{name} ({len(all_)})' for name, all_ in obeyed.obeyed_by.items())}")
    others = [other for other in obeyed.in_force if other != obeyed.scope]
    if switch.level is ControlLevel.NORMAL and others:
        tell(f"still in force for {', '.join(others)}; see `tradewire controls`", style="yellow")
    _show_accounts(obeyed)


def _show_accounts(obeyed: Obeyed) -> None:
    if withdrawn := sum(one.withdrawn for one in obeyed.accounts.values()):
        tell(f"orders withdrawn: {withdrawn:,}")
    if flat := sorted(name for name, one in obeyed.accounts.items() if one.outcome is Outcome.FLAT):
        names = ", ".join(flat[:NAMES_SHOWN]) + (", …" if len(flat) > NAMES_SHOWN else "")
        tell(f"flat: {len(flat):,} accounts ({names})" if len(flat) > 1 else f"flat: {names}", style="green")
    for name, one in sorted(obeyed.accounts.items()):
        if one.outcome in COLOURS:
            tell(f"{name}: {one.outcome.words} {one.detail}", style=COLOURS[one.outcome])


def scope_of(account: str | None, strategy: str | None, service: str | None = None) -> str:
    """Scope of the control. Raises CommandError when more than one is given."""
    given = {"account": account, "strategy": strategy, "service": service}
    named = [(kind, name) for kind, name in given.items() if name is not None]
    if len(named) > 1:
        found = " and ".join(f"--{kind}" for kind, _ in named)
        fail(f"found {found}; allowed is one of them, or none for everything", Exit.USAGE)
    return ":".join(named[0]) if named else GLOBAL


def controls(
    root: RootOption = None, bus: BusOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False
) -> None:
    """Tell which levels are in force, and which services obey them. Exit code 1 when one does not."""

    async def work() -> dict[str, AskedLevel]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            return await Switching(platform.operator).asked()

    levels = run_async(work)
    if as_json:
        print_json({"in_force": {scope: _shown(asked) for scope, asked in levels.items()}})
    elif not levels:
        tell("NORMAL everywhere", style="green")
    else:
        _print(levels)
    if any(asked.not_obeyed_by for asked in levels.values()):
        raise typer.Exit(Exit.REFUSED)


def _shown(asked: AskedLevel) -> dict[str, object]:
    return asked.control.model_dump() | {"obeyed_by": asked.obeyed_by, "not_obeyed_by": asked.not_obeyed_by}


def _print(levels: Mapping[str, AskedLevel]) -> None:
    table = Table("scope", "level", "since", "by", "reason", "obeyed by", box=None, pad_edge=False)
    for scope, asked in levels.items():
        by = [*asked.obeyed_by, *(f"[red]not by {name}[/]" for name in asked.not_obeyed_by)]
        control = asked.control
        level = f"[yellow]{control.level.value}[/]"
        table.add_row(
            escape(scope),
            level,
            iso(control.issued_at_us),
            escape(control.author),
            escape(control.reason),
            ", ".join(by),
        )
    out.print(table)

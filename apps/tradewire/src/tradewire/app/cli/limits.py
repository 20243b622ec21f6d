"""``tradewire limits``: what an account may do, changed while it trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from tradewire.app.cli.limit_words import parse_limits
from tradewire.app.cli.options import (
    ANSWER_SECONDS,
    BusOption,
    JsonOption,
    RegistryOption,
    RootOption,
    WithinOption,
    epilog,
)
from tradewire.app.cli.output import Exit, fail, number, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.operating.limit_changes import LimitChanges
from tradewire.app.operating.switching import Switching
from tradewire.ports.events import RiskLimitsChanged
from tradewire.runtime.access.roles import Role
from tradewire.trading.limit_bounds import LIMITS

app = typer.Typer(
    help="Show and set the risk limits of accounts.",
    no_args_is_help=True,
    epilog=epilog("tradewire limits set main max_leverage=3"),
)
AccountArgument = Annotated[str, typer.Argument(help="Account.")]


@app.command("set", epilog=epilog("tradewire limits set main max_order_notional=50000 max_leverage=none"))
def set_command(
    account: AccountArgument,
    limits: Annotated[
        list[str], typer.Argument(metavar="LIMIT=VALUE…", help=f"One of: {', '.join(LIMITS)}; `none` lifts a limit.")
    ],
    new_account: Annotated[
        bool, typer.Option("--new-account", help="Allow an account that nobody knows yet, before its first strategy.")
    ] = False,
    within_s: WithinOption = ANSWER_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set limits of an account; those not named stay as they are. Answers with what risk obeys from now on."""
    changes = parse_limits(limits)

    async def work() -> RiskLimitsChanged:
        async with reached(Where(root, bus, registry_url), Role.OPERATOR) as platform:
            if not new_account:
                await Switching(platform.operator).hold_known(f"account:{account}")
            return await LimitChanges(platform.operator).change(account, changes, within_s)

    try:
        _show(run_async(work), as_json=as_json)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        fail(
            f"{'.'.join(map(str, first['loc']))}: found {first['input']}; {first['msg'].removeprefix('Value error, ')}",
            Exit.USAGE,
        )


@app.command(epilog=epilog("tradewire limits show main"))
def show(
    account: Annotated[str | None, typer.Argument(help="Account; default: all.")] = None,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the limits that risk obeys."""

    async def work() -> dict[str, RiskLimitsChanged]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            return await LimitChanges(platform.operator).in_force()

    found = run_async(work)
    if account is not None:
        if account not in found:
            fail(f"no limits are set for account {account!r}; set for: {', '.join(found) or 'none'}")
        _show(found[account], as_json=as_json)
    elif as_json:
        print_json({"accounts": found})
    elif not found:
        tell("no limits are set; set one: tradewire limits set ACCOUNT max_order_notional=50000")
    else:
        for limits in found.values():
            _show(limits, as_json=False)


def _show(limits: RiskLimitsChanged, *, as_json: bool) -> None:
    if as_json:
        print_json(limits)
        return
    table = Table(
        title=f"{limits.account_id}, version {limits.version}", box=None, show_header=False, title_justify="left"
    )
    for name in LIMITS:
        value = getattr(limits, name)
        shown = "no limit" if value is None else number(value) if isinstance(value, Decimal) else str(value)
        table.add_row(name, shown, style="dim" if value is None else None)
    out.print(table)

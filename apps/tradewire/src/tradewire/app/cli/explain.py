"""``tradewire explain``: why there was a trade, or none."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, fail, number, out, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.inspecting.archive import Archive, Found
from tradewire.app.inspecting.explain import Explanation, explain_bar, explain_order
from tradewire.ports.events import CandleClosed, RiskAssessed, StrategyEvaluated
from tradewire.runtime.access.roles import Role
from tradewire.trading.verdict import OrderStory

WORDS_FOR_ORDER, WORDS_FOR_BAR = 1, 3
TRUTH = {True: "[green]true[/]", False: "[dim]false[/]", None: "[yellow]unknown[/]"}


def explain(
    what: Annotated[
        list[str],
        typer.Argument(metavar="CLIENT_ORDER_ID | STRATEGY SYMBOL TIME", help="TIME: ISO 8601 in UTC, s or ms."),
    ],
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why there was a trade, or none, from Kafka alone.

    Shows the bar, the indicator values seen, the strategy version with its rules and their truth, the risk rules with
    their numbers, the orders, the fills and the trace id. TIME names the bar that closed then, or was open then; exit
    code 1 when there is none, or not yet.
    """
    if len(what) not in (WORDS_FOR_ORDER, WORDS_FOR_BAR):
        fail(f"found {len(what)} words; allowed: CLIENT_ORDER_ID, or STRATEGY SYMBOL TIME", Exit.USAGE)
    time_us = moment(what[2]) if len(what) == WORDS_FOR_BAR else 0

    async def work() -> Explanation:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            archive = Archive(platform.bus, platform.codec)
            if len(what) == WORDS_FOR_ORDER:
                return await explain_order(archive, what[0])
            return await explain_bar(archive, what[0], what[1], time_us)

    found = run_async(work)
    if as_json:
        print_json(document(found))
    else:
        _show(found)
    if len(what) == WORDS_FOR_BAR and found.candle is None and found.evaluation is None:
        raise typer.Exit(Exit.REFUSED)


def document(found: Explanation) -> dict[str, Any]:
    """The explanation for programs."""
    links = ("candle", "snapshot", "evaluation", "assessment")
    return {
        "question": found.question,
        "verdict": found.verdict,
        "trace_id": found.trace_id,
        **{name: _link(getattr(found, name)) for name in links},
        "document": found.document,
        "rules": found.rules,
        "account": found.account,
        "orders": found.orders,
        "gaps": found.gaps,
    }


def _link(found: Found | None) -> dict[str, Any] | None:
    return None if found is None else {"event_id": found.envelope.event_id, "where": found.where, "event": found.event}


def _show(found: Explanation) -> None:
    tell(found.verdict, style="bold")
    if found.candle is not None and isinstance(found.candle.event, CandleClosed):
        _show_candle(found.candle, found.candle.event)
    if found.evaluation is not None and isinstance(found.evaluation.event, StrategyEvaluated):
        _show_evaluation(found, found.evaluation.event)
    if found.assessment is not None and isinstance(found.assessment.event, RiskAssessed):
        _show_assessment(found, found.assessment.event)
    for story in found.orders:
        _show_order(story)
    for gap in found.gaps:
        tell(f"fault     {gap.kind.value} at {iso(gap.event_time_us)}: found {gap.found}, allowed {gap.allowed}")
    if found.trace_id:
        tell(f"\ntrace     {found.trace_id}")


def _heading(name: str, text: str, found: Found | None = None) -> None:
    tell()
    tell(f"{name:<10}{text}", style="cyan")
    if found is not None:
        tell(f"{'':<10}{found.where}", style="dim")


def _show_candle(found: Found, candle: CandleClosed) -> None:
    market = f"{candle.venue}:{candle.symbol} {candle.interval}"
    _heading("bar", f"{market}, {iso(candle.open_time_us)} to {iso(candle.close_time_us)}", found)
    prices = (f"{name} {number(getattr(candle, name))}" for name in ("open", "high", "low", "close", "volume"))
    tell(f"{'':<10}{'  '.join(prices)}")


def _show_evaluation(found: Explanation, event: StrategyEvaluated) -> None:
    ready = "" if event.ready else ", not ready"
    head = f"{event.strategy_id} version {event.config_version} said {event.signal.value}{ready}"
    _heading("strategy", head, found.evaluation)
    if found.rules is None:
        tell(f"{'':<10}the topics no longer hold this version's file; what it saw:")
        for key, value in event.seen.items():
            tell(f"{'':<10}{key} = {_value(value)}")
        return
    for note in found.rules.notes:
        tell(f"{'':<10}{note}", style="yellow")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for reason in found.rules.reasons:
        table.add_row("        ", reason.rule, TRUTH[reason.truth], reason.expression)
        for name, value in reason.values.items():
            before = f"{_value(reason.previous[name])} → " if name in reason.previous else ""
            table.add_row("", "", "", f"[dim]{name} = {before}{_value(value)}[/]")
    out.print(table)


def _value(value: float | None) -> str:
    return "no value" if value is None else f"{value:.8g}"


def _show_assessment(found: Explanation, event: RiskAssessed) -> None:
    equity = f", equity {number(event.equity)}" if event.equity is not None else ""
    _heading("risk", f"{event.decision.value} on account {event.account_id}{equity}", found.assessment)
    if found.account is not None:
        positions = ", ".join(f"{p.strategy_id} {number(p.qty)} {p.symbol}" for p in found.account.strategy_positions)
        tell(f"{'':<10}account as of {iso(found.account.event_time_us)} held {positions or 'nothing'}")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for rule in event.rules:
        mark = "[green]passed[/]" if rule.passed else "[red]refused[/]"
        table.add_row("        ", rule.rule, mark, rule.value, f"[dim]allowed {rule.limit}[/]")
    if event.rules:
        out.print(table)


def _show_order(story: OrderStory) -> None:
    intent = story.intent
    text = story.client_order_id
    if intent is not None:
        price = f" at {number(intent.price)}" if intent.price is not None else ""
        stop = f", triggered at {number(intent.stop_price)}" if intent.stop_price is not None else ""
        text += f" {intent.leg.value}: {intent.side.value} {number(intent.qty)} {intent.order_type.value}{price}{stop}"
    _heading("order", text)
    for change in story.changes:
        reason = f" — {change.reason}" if change.reason else ""
        tell(f"{'':<10}{iso(change.event_time_us)}  {change.status.value}, filled {number(change.filled_qty)}{reason}")
    for fill in story.fills:
        money = f"fee {number(fill.fee)}, realized {number(fill.realized_pnl)}, position {number(fill.position_after)}"
        tell(f"{'':<10}{iso(fill.event_time_us)}  fill {number(fill.qty)} at {number(fill.price)}, {money}")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("tradewire explain twe-4n5w…", "tradewire explain ema-cross-btc BTCUSD 2017-08-01T06:00Z")
    app.command("explain", epilog=epilog(*examples))(explain)

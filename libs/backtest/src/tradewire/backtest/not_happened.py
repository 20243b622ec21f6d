"""What did not happen in a run, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from tradewire.backtest.digits import plain
from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.backtest import LIQUIDATION, BacktestResult
from tradewire.ports.events import OrderLeg
from tradewire.trading.exchange import from_e8

REMEDIES: Mapping[str, str] = {
    "INSUFFICIENT_MARGIN": "initial margin and fee must fit the balance: take a smaller size or a higher leverage",
    "NOTIONAL_ABOVE_LEVERAGE_BRACKET": "a position of this worth takes less leverage: see the instrument's brackets",
    "min_qty": "the quantity asked for is below the least that the instrument takes",
    "max_qty": "the quantity asked for is above the most that the instrument takes: take a smaller size, or, where "
    "the most is assumed, name a file with the market's own rules (--instruments, instruments=)",
    "min_notional": "the order's worth is below the least that the instrument takes",
    "positive_equity": "nothing is left to trade with",
}
"""What the reasons mean that say little by themselves."""


_SHOWN = 3
"""Orders that a line names."""
WITHHELD: Mapping[str, str] = {
    "exit_first": "the exit of the same side held, too",
    "both_entries": "both entries held",
    "not_ready": "an input had no value",
    "not_above_0": "a distance or sizing input was not above 0",
}
"""Why an entry rule that holds asks for no entry."""


def liquidation_line(result: BacktestResult) -> str | None:
    """That positions were liquidated, which comes before anything else; None where none was."""
    count = result.activity.liquidations
    if not count:
        return None
    first = next(fill for fill in result.fills if fill.leg == LIQUIDATION)
    ended = f"the account ended at {int(result.equity_e8[-1]) / 1e8:,.2f}"
    when = f"first {first.symbol} at {_iso(first.time_us)}"
    return f"LIQUIDATED: {_of(count, 'position')} closed by the venue, {when}; {ended}"


def ruin_line(result: BacktestResult) -> str | None:
    """That nothing was left at a close, whatever the account did afterwards; None where there always was."""
    gone = np.flatnonzero(result.equity_e8 <= 0)
    if not len(gone):
        return None
    first, found = int(result.time_us[gone[0]]), int(result.equity_e8[gone[0]]) / 1e8
    return f"RUINED: equity was {found:,.2f} at {_iso(first)}; what came after was traded with nothing"


def never_ready_line(result: BacktestResult) -> str | None:
    """That the strategy could decide on no bar at all; None where it could on one."""
    bars = result.activity.bars
    if not bars or result.activity.bars_not_ready < bars:
        return None
    return f"NEVER READY: on each of {_of(bars, 'bar')} an input had no value: are there fewer bars than it needs?"


def no_trades_line(result: BacktestResult) -> str | None:
    """That nothing was filled, and the first reason; None where something was, or nothing could be decided."""
    activity = result.activity
    if len(result.fills) or activity.bars_not_ready >= activity.bars:
        return None
    reasons = (*_refusals(activity), *_fills(result), *_withheld(activity), *_bars(activity))
    return next((f"NO TRADES: {line}" for line in reasons), None)


def headlines(result: BacktestResult) -> list[str]:
    """What comes before any figure: liquidations, ruin, that nothing was decided, or that nothing was filled."""
    lines = (liquidation_line(result), ruin_line(result), never_ready_line(result), no_trades_line(result))
    return [line for line in lines if line is not None]


def activity_lines(activity: Activity) -> list[str]:
    """A line for each kind of thing that did not happen."""
    return [*_withheld(activity), *_refusals(activity), *_bars(activity)]


def entries_never_filled(result: BacktestResult) -> int:
    """Entries that were sent and have no fill."""
    return result.activity.entries - len({fill.client_order_id for fill in result.fills if fill.leg == OrderLeg.ENTRY})


def orders_filled_in_parts(result: BacktestResult) -> int:
    """Orders that took more than one fill."""
    return sum(count > 1 for count in Counter(fill.client_order_id for fill in result.fills).values())


def lines_below(result: BacktestResult) -> list[str]:
    """A line for each kind of thing that did not happen, or not at once."""
    return [*_fills(result), *activity_lines(result.activity)]


def not_happened(result: BacktestResult) -> list[str]:
    """All lines of a result, liquidations and ruin first."""
    return [*headlines(result), *lines_below(result)]


def _fills(result: BacktestResult) -> Iterator[str]:
    if unfilled := entries_never_filled(result):
        why = "ended by the venue, or no price or volume came for them"
        yield f"never filled: {unfilled:,} of {_of(result.activity.entries, 'entry')}: {why}"
    if parts := orders_filled_in_parts(result):
        yield f"filled in parts, over several bars or prices: {_of(parts, 'order')}"
    if waiting := result.activity.waiting:
        told = ", ".join(map(_waits, waiting[:_SHOWN])) + (", …" if len(waiting) > _SHOWN else "")
        yield f"still waiting when the data ended: {_of(len(waiting), 'order')}: {told}"


def _waits(order: WaitingOrder) -> str:
    filled = f"{_digits(order.filled_e8)} of {_digits(order.qty_e8)} filled" if order.filled_e8 else "none filled"
    return f"{order.leg} {order.symbol}, {filled}"


def _digits(units: int) -> str:
    return plain(from_e8(units))


def _withheld(activity: Activity) -> Iterator[str]:
    if activity.entries_withheld:
        told = ", ".join(f"{WITHHELD[reason]} {count:,}" for reason, count in activity.entries_withheld.items())
        yield f"no entry though a rule for one held: {_of(sum(activity.entries_withheld.values()), 'bar')}: {told}"


def _refusals(activity: Activity) -> Iterator[str]:
    refused, rejected, expired = (sum(by.values()) for by in (activity.refused, activity.rejected, activity.expired))
    if refused:
        asked = activity.entries + refused
        yield f"refused by risk: {refused:,} of {_of(asked, 'entry')}: {_by_reason(activity.refused)}"
    if rejected:
        yield f"rejected by the venue: {_of(rejected, 'order')}: {_by_reason(activity.rejected)}"
    if expired:
        yield f"expired at the venue: {_of(expired, 'order')}: {_by_reason(activity.expired)}"
    if activity.entries_cut:
        yield f"cut by max_leverage: {activity.entries_cut:,} of {_of(activity.entries, 'entry')}"
    if activity.adl:
        yield f"reduced by the venue to cover other accounts (ADL): {_of(activity.adl, 'time')}"


def _bars(activity: Activity) -> Iterator[str]:
    ready = activity.bars - activity.bars_not_ready
    if ready and not (activity.entries or activity.refused or activity.entries_withheld):
        yield f"no entry: an entry rule held on none of the {_of(ready, 'bar')} that the strategy could decide on"
    if activity.signals_ignored:
        why = "a position was held already, there was none to leave, or an order was on its way"
        yield f"without effect: {activity.signals_ignored:,} of {_of(activity.signals, 'signal')}: {why}"
    if activity.bars_not_ready:
        yield f"not ready: {activity.bars_not_ready:,} of {_of(activity.bars, 'bar')}: an input had no value"
    for symbol, close_us in activity.data_ended_us.items():
        yield f"data ended: {symbol} at {_iso(close_us)}, before the run did"
    if activity.settlements_without_position:
        yield f"no position held at {_of(activity.settlements_without_position, 'funding settlement')}"


def _by_reason(counts: Mapping[str, int]) -> str:
    told = []
    for reason, count in counts.items():
        remedy = f" ({REMEDIES[reason]})" if reason in REMEDIES else ""
        told.append(f"{reason} {count:,}{remedy}")
    return ", ".join(told)


def _of(count: int, noun: str) -> str:
    """The number and its noun, in the plural where it is not one."""
    plural = noun.removesuffix("y") + "ies" if noun == "entry" else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"


def _iso(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us // 10**6, UTC):%Y-%m-%dT%H:%M:%SZ}"

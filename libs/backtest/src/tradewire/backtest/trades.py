"""From fills to trades: each symbol's position from flat to flat, or through zero to the other side.

All amounts are summed in 1e-8 units. Only the volume-weighted prices are rounded (half to even), and the fee and
slippage of a fill that goes through zero, which its two parts share by quantity (the closing part half to even, the
opening part the rest).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tradewire.backtest.activity import ADL
from tradewire.ports.backtest import LIQUIDATION, BacktestFill, FundingPayment, Trade, TradeReason
from tradewire.ports.events import OrderLeg, Side
from tradewire.trading.exchange import from_e8, to_e8
from tradewire.trading.exchange.fixed_point import SCALE, mul_div

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

EXIT_REASONS: Mapping[str, TradeReason] = {
    OrderLeg.ENTRY: TradeReason.SIGNAL,  # through zero to the other side
    OrderLeg.EXIT: TradeReason.SIGNAL,
    OrderLeg.STOP_LOSS: TradeReason.STOP,
    OrderLeg.TAKE_PROFIT: TradeReason.TARGET,
    OrderLeg.TRAILING_STOP: TradeReason.TRAIL,
    OrderLeg.FLATTEN: TradeReason.FLATTEN,
    LIQUIDATION: TradeReason.LIQUIDATION,
    ADL: TradeReason.ADL,
}
"""Why a trade ended, by the leg of the fill that ended it."""
STILL_OPEN = -1
"""In place of the time of an exit: there was none."""


class TradeColumns(NamedTuple):
    """Trades as columns, shape (k,) each: symbol by number, amounts in 1e-8, else as in `Trade`."""

    symbol: IntArray
    sign: IntArray
    qty: IntArray
    entry_time_us: IntArray
    exit_time_us: IntArray
    entry_price: IntArray
    exit_price: IntArray
    fees: IntArray
    funding: IntArray
    slippage: IntArray
    pnl: IntArray
    exit_leg: IntArray

    def trades(self, symbols: Sequence[str], legs: Sequence[str]) -> Iterator[Trade]:
        """As objects, by time and symbol of their entry; ``symbols`` and ``legs`` by number."""
        reasons = [EXIT_REASONS[leg] for leg in legs]
        newest: dict[int, tuple[int, int, TradeReason]] = {}
        columns = zip(*(column.tolist() for column in self), strict=True)
        for symbol, sign, qty, entry_us, exit_us, *amounts, leg in columns:
            reason = TradeReason.END if exit_us == STILL_OPEN else reasons[leg]
            turns = newest.get(symbol) == (-sign, entry_us, TradeReason.SIGNAL)
            newest[symbol] = sign, exit_us, reason
            entry_price, exit_price, fees, funding, slippage, pnl = map(from_e8, amounts)
            yield Trade(
                symbol=symbols[symbol],
                side=Side.BUY if sign > 0 else Side.SELL,
                qty=from_e8(qty),
                entry_time_us=entry_us,
                exit_time_us=None if exit_us == STILL_OPEN else exit_us,
                entry_price=entry_price,
                exit_price=exit_price,
                fees=fees,
                funding=funding,
                slippage=slippage,
                pnl=pnl,
                entry_reason=TradeReason.REVERSAL if turns else TradeReason.SIGNAL,
                exit_reason=reason,
            )


class Filled(NamedTuple):
    """A fill, amounts in 1e-8 units."""

    time_us: int
    symbol: str
    sign: int
    qty: int
    price: int
    fee: int
    slippage: int
    realized: int
    leg: str


class Paid(NamedTuple):
    """A funding payment, amounts in 1e-8 units."""

    time_us: int
    symbol: str
    amount: int
    position: int


@dataclass(slots=True)
class _Open:
    """A trade in progress, in 1e-8 units; ``*_notional`` are products, 1e-16. ``cost``: as the account has it."""

    symbol: str
    sign: int
    entry_time_us: int
    held: int = 0
    entered: int = 0
    left: int = 0
    entry_notional: int = 0
    exit_notional: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0
    funding: int = 0
    slippage: int = 0

    def closed(self, time_us: int, leg: str) -> Trade:
        """The trade as it ended, with a fill of this leg."""
        return self._trade(time_us, self.exit_notional, self.left, self.realized, EXIT_REASONS[leg])

    def marked(self, mark_e8: int) -> Trade:
        """The trade as it stands at the end of the run."""
        gain = self.sign * (mul_div(self.held, mark_e8, SCALE) - self.cost)
        return self._trade(None, self.held * mark_e8, self.held, self.realized + gain, TradeReason.END)

    def _trade(self, time_us: int | None, exit_notional: int, left: int, realized: int, reason: TradeReason) -> Trade:
        return Trade(
            symbol=self.symbol,
            side=Side.BUY if self.sign > 0 else Side.SELL,
            qty=from_e8(self.entered),
            entry_time_us=self.entry_time_us,
            exit_time_us=time_us,
            entry_price=from_e8(mul_div(self.entry_notional, 1, self.entered)),
            exit_price=from_e8(mul_div(exit_notional, 1, left)),
            fees=from_e8(self.fees),
            funding=from_e8(self.funding),
            slippage=from_e8(self.slippage),
            pnl=from_e8(realized - self.fees + self.funding),
            entry_reason=TradeReason.SIGNAL,
            exit_reason=reason,
        )


def trades_of(
    fills: Iterable[BacktestFill], funding: Iterable[FundingPayment], marks: Mapping[str, Decimal]
) -> tuple[Trade, ...]:
    """All trades by time of entry, those still open at the end valued at ``marks`` (by symbol).

    Fills and payments of a symbol in the order in which they happened. A payment belongs to the trade that is open
    then: of the fills at its very time, those come first that lead to the position it was paid on.
    """
    return trades_of_units(
        map(_filled, fills),
        (Paid(paid.time_us, paid.symbol, to_e8(paid.amount), to_e8(paid.position)) for paid in funding),
        {symbol: to_e8(mark) for symbol, mark in marks.items()},
    )


def _filled(fill: BacktestFill) -> Filled:
    sign = 1 if fill.side is Side.BUY else -1
    qty, price, fee, slippage, realized = map(to_e8, (fill.qty, fill.price, fill.fee, fill.slippage, fill.realized_pnl))
    return Filled(fill.time_us, fill.symbol, sign, qty, price, fee, slippage, realized, fill.leg)


def trades_of_units(fills: Iterable[Filled], funding: Iterable[Paid], marks_e8: Mapping[str, int]) -> tuple[Trade, ...]:
    """The same of fills and payments in 1e-8 units."""
    found: list[Trade] = []
    working: dict[str, _Open] = {}
    paid: defaultdict[str, deque[Paid]] = defaultdict(deque)
    for payment in funding:
        paid[payment.symbol].append(payment)
    for fill in fills:
        _pay(working.get(fill.symbol), paid[fill.symbol], before_us=fill.time_us)
        found += _take(working, fill)
    for symbol, trade in working.items():
        _pay(trade, paid[symbol], before_us=None)
        found.append(trade.marked(marks_e8[symbol]))
    return tuple(_with_reversals(sorted(found, key=lambda trade: (trade.entry_time_us, trade.symbol))))


def _with_reversals(trades: Iterable[Trade]) -> Iterator[Trade]:
    """The trades by time, those that begin as a signal leaves the other side named so."""
    newest: dict[str, Trade] = {}
    for trade in trades:
        before = newest.get(trade.symbol)
        newest[trade.symbol] = trade
        turns = before is not None and before.exit_reason is TradeReason.SIGNAL and before.side is not trade.side
        if turns and before is not None and before.exit_time_us == trade.entry_time_us:
            yield replace(trade, entry_reason=TradeReason.REVERSAL)
        else:
            yield trade


def _pay(trade: _Open | None, paid: deque[Paid], *, before_us: int | None) -> None:
    """Book the payments that come before a fill at ``before_us``."""
    while paid and (before_us is None or paid[0].time_us <= before_us):
        if before_us is not None and paid[0].time_us == before_us and not _is_held(trade, paid[0]):
            return
        payment = paid.popleft()
        if trade is not None:
            trade.funding += payment.amount


def _is_held(trade: _Open | None, payment: Paid) -> bool:
    return trade is not None and trade.sign * trade.held == payment.position


def _take(working: dict[str, _Open], fill: Filled) -> Iterator[Trade]:
    """Book one fill: what closes goes to the trade at work, what is left over opens the next."""
    time_us, symbol, sign, qty, price, fee, slippage, realized, leg = fill
    trade = working.get(symbol)
    closing = min(qty, trade.held) if trade is not None and trade.sign != sign else 0
    fee_of_closing = slippage_of_closing = 0
    if trade is not None and closing:
        trade.cost -= mul_div(trade.cost, closing, trade.held)
        trade.held -= closing
        trade.left += closing
        trade.exit_notional += closing * price
        trade.realized += realized
        fee_of_closing, slippage_of_closing = mul_div(fee, closing, qty), mul_div(slippage, closing, qty)
        trade.fees += fee_of_closing
        trade.slippage += slippage_of_closing
        if not trade.held:
            yield working.pop(symbol).closed(time_us, leg)
    opening = qty - closing
    if opening:
        trade = working.setdefault(symbol, _Open(symbol, sign, time_us))
        trade.held += opening
        trade.entered += opening
        trade.entry_notional += opening * price
        trade.cost += mul_div(opening, price, SCALE)
        trade.fees += fee - fee_of_closing
        trade.slippage += slippage - slippage_of_closing

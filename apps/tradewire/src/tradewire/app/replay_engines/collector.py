"""From the records of a run to the result of a backtest."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.activity import Counts, activity_of
from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.backtest import LIQUIDATION, BacktestFill, FundingPayment, MarketHistory
from tradewire.ports.events import (
    AccountStateChanged,
    InstrumentChanged,
    OrderChanged,
    OrderFilled,
    OrderLeg,
    OrderStatus,
    RiskAssessed,
    RiskDecision,
    Side,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.trading.assessment.sizing import is_cut
from tradewire.trading.exchange import from_e8, to_e8
from tradewire.trading.exchange.margin import funding_amount
from tradewire.trading.language import INTERVALS_US, EvaluationArrays

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


_Bar = tuple[str, int]
"""Symbol and close: a run has one strategy."""


@dataclass
class Collector:
    """Takes a run's events in any order; lists fills and account states in the account's own order, counts answers."""

    _fills: dict[int, OrderFilled] = field(default_factory=dict)
    _states: dict[int, AccountStateChanged] = field(default_factory=dict)
    _evaluations: dict[_Bar, StrategyEvaluated] = field(default_factory=dict)
    _assessments: dict[_Bar, RiskAssessed] = field(default_factory=dict)
    _ended: dict[int, OrderChanged] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)

    def take(self, event: Event) -> None:
        """One more record; one that comes twice counts once."""
        match event:
            case OrderFilled():
                self._fills[event.sequence] = event
            case AccountStateChanged():
                self._states[event.sequence] = event
            case StrategyEvaluated():
                self._evaluations[event.symbol, event.event_time_us] = event
            case RiskAssessed():
                self._assessments[event.symbol, event.event_time_us] = event
            case OrderChanged(status=OrderStatus.REJECTED | OrderStatus.EXPIRED):
                self._ended[event.sequence] = event
                self._closed.add(event.client_order_id)
            case OrderChanged(status=OrderStatus.FILLED | OrderStatus.CANCELED):
                self._closed.add(event.client_order_id)

    def activity(
        self, markets: Sequence[MarketHistory], answers: Iterable[EvaluationArrays], payments: int
    ) -> Activity:
        """What the signals came to; ``answers``: to the bars of each market; ``payments`` of funding."""
        counts, known = Counts(), {market.symbol: market for market in markets}
        for (symbol, time_us), answer in self._assessments.items():
            if counts.take(answer) and answer.equity is not None:
                asked = self._evaluations[symbol, time_us]
                counts.cut += is_cut(
                    asked.sizing,
                    equity=answer.equity,
                    close=asked.close,
                    stop_distance=asked.stop_distance,
                    instrument=_in_force(known[symbol], time_us),
                )
        for order in self._ended.values():
            take = counts.take_rejected if order.status is OrderStatus.REJECTED else counts.take_expired
            take(order.reason or "UNKNOWN")
        return activity_of(
            counts,
            markets,
            answers=answers,
            signals=sum(answer.decision is not RiskDecision.NO_SIGNAL for answer in self._assessments.values()),
            payments=payments,
            venue_fills=Counter(fill.leg for fill in self._fills.values()),
            waiting=self._waiting(),
        )

    def _waiting(self) -> Iterator[WaitingOrder]:
        """Entries and exits that were sent and have not ended."""
        filled: Counter[str] = Counter()
        for fill in self._fills.values():
            filled[fill.client_order_id] += to_e8(fill.qty)
        for (symbol, _), answer in self._assessments.items():
            for intent in answer.intents:
                name = intent.client_order_id
                if intent.leg in (OrderLeg.ENTRY, OrderLeg.EXIT) and name not in self._closed:
                    yield WaitingOrder(symbol, intent.leg.value, to_e8(intent.qty), filled[name])

    def filled(self) -> list[OrderFilled]:
        """All fills."""
        return [fill for _, fill in sorted(self._fills.items())]

    def fills(self) -> tuple[BacktestFill, ...]:
        """All fills. The records don't tell slippage from price: it is 0."""
        return tuple(
            BacktestFill(
                time_us=fill.event_time_us,
                symbol=fill.symbol,
                client_order_id=fill.client_order_id,
                leg=fill.leg,
                side=fill.side,
                qty=fill.qty,
                price=fill.price,
                fee=fill.fee,
                liquidity=fill.liquidity,
                realized_pnl=fill.realized_pnl,
                slippage=Decimal(0),
            )
            for fill in self.filled()
        )

    def states(self) -> list[AccountStateChanged]:
        """All account states."""
        return [state for _, state in sorted(self._states.items())]

    def closes(self) -> list[AccountStateChanged]:
        """The last state of every event time: the account as of each close."""
        newest = {state.event_time_us: state for state in self.states()}
        return [newest[time_us] for time_us in sorted(newest)]


def _in_force(market: MarketHistory, time_us: int) -> InstrumentChanged:
    """The version of a market's instrument that is valid by then."""
    versions = (market.instrument, *market.later_instruments)
    return next(one for one in reversed(versions) if one is market.instrument or one.valid_from_us <= time_us)


def funding_of(
    fills: Sequence[OrderFilled], closes: Sequence[AccountStateChanged], markets: Iterable[MarketHistory]
) -> tuple[FundingPayment, ...]:
    """What each settlement moved, computed from the position held; the records tell an account's total only.

    A settlement comes before its close's account state, and before the liquidation that may end it there.
    """
    found: list[FundingPayment] = []
    sequences = {state.event_time_us: state.sequence for state in closes}
    for market in markets:
        if market.funding_rate is not None:
            mine = deque(fill for fill in fills if fill.symbol == market.symbol)
            found += _payments(mine, sequences, market, market.funding_rate)
    return tuple(sorted(found, key=lambda payment: (payment.time_us, payment.symbol)))


def _payments(
    fills: deque[OrderFilled], sequences: Mapping[int, int], market: MarketHistory, rates: FloatArray
) -> Iterator[FundingPayment]:
    marks = market.close if market.mark is None else market.mark.close
    held_e8 = 0
    for at in np.flatnonzero(rates).tolist():
        time_us = int(market.open_time_us[at]) + INTERVALS_US[market.interval]
        while fills and fills[0].sequence < sequences[time_us] and not _at_the_close(fills[0], time_us):
            fill = fills.popleft()
            held_e8 += to_e8(fill.qty) * (1 if fill.side is Side.BUY else -1)
        if held_e8:
            mark = market.close[at] if np.isnan(marks[at]) else marks[at]
            amount = funding_amount(held_e8, _e8(mark), _e8(rates[at]))
            yield FundingPayment(time_us, market.symbol, from_e8(amount), from_e8(held_e8))


def _at_the_close(fill: OrderFilled, time_us: int) -> bool:
    return fill.leg == LIQUIDATION and fill.event_time_us == time_us


def _e8(value: float) -> int:
    return to_e8(Decimal(repr(float(value))))


def times_us(closes: Sequence[AccountStateChanged]) -> IntArray:
    """Event times, UTC µs, shape (t,)."""
    return np.array([state.event_time_us for state in closes], dtype=np.int64)


def equity_e8(closes: Sequence[AccountStateChanged]) -> IntArray:
    """Equity of each state, quote 1e-8, shape (t,)."""
    return np.array([to_e8(state.equity) for state in closes], dtype=np.int64)


def position_e8(closes: Sequence[AccountStateChanged], symbol: str) -> IntArray:
    """Signed position of one symbol in each state, base 1e-8, shape (t,)."""
    held = ({position.symbol: position.qty for position in state.positions} for state in closes)
    return np.array([to_e8(positions.get(symbol, Decimal(0))) for positions in held], dtype=np.int64)


def last_marks(markets: Iterable[MarketHistory]) -> dict[str, Decimal]:
    """The marks that open trades are valued at, by symbol."""
    found = {}
    for market in markets:
        marks = market.close if market.mark is None else market.mark.close
        last = marks[-1] if len(marks) and not np.isnan(marks[-1]) else market.close[-1]
        found[market.symbol] = from_e8(_e8(last))
    return found


def insurance_of(closes: Sequence[AccountStateChanged], capital: Decimal) -> Decimal:
    """What the venue's insurance fund bore, quote: the part of the wallet that nothing else explains."""
    if not closes:
        return Decimal(0)
    last = closes[-1]
    return last.wallet_balance - capital - last.realized_pnl + last.fees_paid + last.funding_paid

"""From a signal to orders, with the platform's own assessment and its own ids."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from tradewire.backtest.activity import Counts
from tradewire.backtest.loops.units import IntMatrix
from tradewire.ports.events import (
    AccountStateChanged,
    ControlLevel,
    InstrumentChanged,
    OpenOrder,
    OrderIntent,
    OrderLeg,
    Position,
    RiskLimitsChanged,
    RuleOutcome,
    Side,
    Signal,
    Sizing,
    SizingMethod,
    StrategyEvaluated,
    StrategyPosition,
)
from tradewire.ports.message import derived_id, root_id
from tradewire.ports.risk import ZERO, Entry, RiskPort
from tradewire.trading.assessment.assess import Decision, RiskContext, assess
from tradewire.trading.assessment.exposure import exposure_of
from tradewire.trading.assessment.intents import client_order_id, guarding, market
from tradewire.trading.assessment.rules import judge
from tradewire.trading.assessment.sizing import is_cut
from tradewire.trading.exchange import SimulatedExchange, from_e8
from tradewire.trading.exchange.orders import Order
from tradewire.trading.language import CompiledStrategy, EvaluationArrays

MINUTE_US = 60_000_000
FIRST_VERSION = 1
"""A strategy published to a fresh platform gets this version; order ids depend on it."""


class FixedLimits(RiskPort):
    """One account's limits, the same for a whole run."""

    def __init__(self, account_id: str, limits: RiskLimitsChanged | None) -> None:
        none = RiskLimitsChanged(account_id=account_id, version=0, author="", changed_at_us=0)
        self._limits = none if limits is None else limits

    def validate_trade(self, entry: Entry, instrument: InstrumentChanged) -> tuple[RuleOutcome, ...]:
        return judge(entry, instrument, self._limits)

    def change(self, limits: RiskLimitsChanged) -> None:
        self._limits = limits

    def every(self) -> tuple[RiskLimitsChanged, ...]:
        return (self._limits,) if self._limits.version else ()

    def limits(self, account_id: str) -> RiskLimitsChanged:
        return self._limits


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A strategy's answers to one symbol's bars. ``index`` (t,): the bar's place in them for each close of the grid.

    ``signal`` (t,): code of the signals that may be acted on, 0 for no bar and HOLD.
    """

    arrays: EvaluationArrays
    index: IntMatrix
    signal: np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(slots=True)
class Equity:
    """What the rules remember of an account's equity, quote 1e-8."""

    now_e8: int
    peak_e8: int
    day_start_e8: int


@dataclass(slots=True)
class Decider:
    """Assesses one strategy's signals on one account, and counts what they came to."""

    strategy: CompiledStrategy
    instruments: Mapping[str, InstrumentChanged]
    rules: RiskPort
    intents: dict[str, OrderIntent] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    _approved_us: deque[int] = field(default_factory=deque)

    def decide(
        self, symbol: str, at: int, time_us: int, answers: EvaluationArrays, context: RiskContext, close: Decimal
    ) -> Decision:
        """What to do about the signal of one bar. ``context`` from `context`, ``at`` the bar's index in answers."""
        instrument = self.instruments[symbol]
        evaluation = self._evaluation(symbol, at, time_us, answers, close)
        decision = assess(evaluation, self._evaluation_id(instrument, time_us), context, instrument, self.rules)
        if self.counts.take(decision):
            self.counts.cut += is_cut(
                evaluation.sizing,
                equity=context.state.equity,
                close=close,
                stop_distance=evaluation.stop_distance,
                instrument=instrument,
            )
        self._approved_us.extend([time_us] * len(decision.intents))
        self.intents.update((intent.client_order_id, intent) for intent in decision.intents)
        return decision

    def intent_of(
        self, symbol: str, decided: tuple[int, Decimal], leg: OrderLeg, side: str, qty_e8: int, level_e8: int
    ) -> OrderIntent:
        """The intent of an order that was decided at a close.

        ``decided``: its time (µs UTC) and price; ``level_e8``: stop price or trailing distance, or 0.
        """
        decided_us, close = decided
        strategy = self.strategy
        evaluation_id = self._evaluation_id(self.instruments[symbol], decided_us)

        def id_of(which: OrderLeg) -> str:
            return client_order_id(evaluation_id, strategy.id, symbol, FIRST_VERSION, which)

        reference = close if leg in (OrderLeg.ENTRY, OrderLeg.EXIT) else None
        alone = leg is not OrderLeg.ENTRY
        order = market(id_of(leg), leg, Side(side), from_e8(qty_e8), reduce_only=alone, reference=reference)
        if level_e8:
            order = guarding(order, id_of(OrderLeg.ENTRY), from_e8(level_e8))
        self.intents[order.client_order_id] = order
        return order

    def context(self, exchange: SimulatedExchange, time_us: int, equity: Equity) -> RiskContext:
        """What risk knows of the account at a close."""
        while self._approved_us and self._approved_us[0] <= time_us - MINUTE_US:
            self._approved_us.popleft()
        state = self._state(exchange, time_us, equity.now_e8)
        return RiskContext(
            state=state,
            exposure=exposure_of(state),
            peak_equity=from_e8(equity.peak_e8),
            day_start_equity=from_e8(equity.day_start_e8),
            orders_last_minute=len(self._approved_us),
            level=ControlLevel.NORMAL,
            shared=False,
        )

    def _evaluation_id(self, instrument: InstrumentChanged, time_us: int) -> str:
        """The id that the platform gives: of the candle, its snapshot, and the strategy's answer to it."""
        candle = root_id(instrument.venue, instrument.symbol, f"candle:{self.strategy.interval}", time_us)
        snapshot = derived_id(candle, "IndicatorsUpdated", 0)
        return derived_id(snapshot, "StrategyEvaluated", self.strategy.id)

    def _evaluation(
        self, symbol: str, at: int, time_us: int, answers: EvaluationArrays, close: Decimal
    ) -> StrategyEvaluated:
        strategy = self.strategy
        sizing = strategy.sizing
        return StrategyEvaluated(
            account_id=strategy.account,
            strategy_id=strategy.id,
            config_version=FIRST_VERSION,
            venue=strategy.venue,
            symbol=symbol,
            interval=strategy.interval,
            event_time_us=time_us,
            signal=_SIGNALS[int(answers.signal[at])],
            ready=bool(answers.ready[at]),
            entry_long=bool(answers.entry_long[at]),
            exit_long=bool(answers.exit_long[at]),
            entry_short=bool(answers.entry_short[at]),
            exit_short=bool(answers.exit_short[at]),
            close=close,
            sizing=Sizing(
                method=SizingMethod(sizing.method.name),
                value=float(sizing.amount),
                max_leverage=float(sizing.max_leverage) if sizing.max_leverage is not None else None,
                inputs={
                    name: float(values[at]) for name, values in answers.sizing_inputs.items() if _known(values[at])
                },
            ),
            stop_distance=_number(answers.stop_distance[at]),
            take_profit_distance=_number(answers.take_profit_distance[at]),
            trailing_distance=_number(answers.trailing_distance[at]),
            seen={},
            candle_offset=0,
        )

    def _state(self, exchange: SimulatedExchange, time_us: int, equity_e8: int) -> AccountStateChanged:
        """What a decision looks at: equity, positions, shares and open orders; nothing else is filled in."""
        held = [(symbol, p) for symbol, p in exchange.account.positions.items() if p.qty_e8]
        strategy, venue = self.strategy.id, self.strategy.venue
        return AccountStateChanged(
            account_id=self.strategy.account,
            event_time_us=time_us,
            sequence=0,
            wallet_balance=ZERO,
            unrealized_pnl=ZERO,
            equity=from_e8(equity_e8),
            initial_margin=ZERO,
            maintenance_margin=ZERO,
            realized_pnl=ZERO,
            fees_paid=ZERO,
            funding_paid=ZERO,
            positions=tuple(
                Position(
                    venue=venue,
                    symbol=symbol,
                    qty=from_e8(p.qty_e8),
                    entry_price=ZERO,
                    mark_price=from_e8(p.mark_e8),
                    unrealized_pnl=ZERO,
                )
                for symbol, p in held
            ),
            strategy_positions=tuple(
                StrategyPosition(strategy_id=strategy, venue=venue, symbol=symbol, qty=from_e8(p.qty_e8))
                for symbol, p in held
            ),
            open_orders=tuple(self._open_order(order) for order in exchange.orders),
        )

    def _open_order(self, order: Order) -> OpenOrder:
        request = order.request
        intent = self.intents[request.client_order_id]
        return OpenOrder(
            client_order_id=request.client_order_id,
            strategy_id=self.strategy.id,
            venue=self.strategy.venue,
            symbol=request.symbol,
            side=intent.side,
            order_type=intent.order_type,
            leg=intent.leg,
            remaining=from_e8(order.qty_e8 - order.filled_e8),
            price=intent.stop_price,
            reduce_only=request.reduce_only,
            reference_price=intent.reference_price,
        )


def parts_by_symbol(state: AccountStateChanged) -> Callable[[str], AccountStateChanged]:
    """What of an account's state a decision about one symbol looks at: what it holds there and has in flight.

    Nothing has to be found among all symbols' then, for each of them.
    """
    positions = {position.symbol: (position,) for position in state.positions}
    shares = {share.symbol: (share,) for share in state.strategy_positions}
    orders: defaultdict[str, tuple[OpenOrder, ...]] = defaultdict(tuple)
    for order in state.open_orders:
        orders[order.symbol] += (order,)

    def part_of(symbol: str) -> AccountStateChanged:
        return state.model_copy(
            update={
                "positions": positions.get(symbol, ()),
                "strategy_positions": shares.get(symbol, ()),
                "open_orders": orders.get(symbol, ()),
            }
        )

    return part_of


_SIGNALS = tuple(Signal)
"""By code, as `tradewire.trading.language.SIGNALS` has them."""


def _known(value: float) -> bool:
    return value == value  # not NaN


def _number(value: float) -> float | None:
    return float(value) if _known(value) else None

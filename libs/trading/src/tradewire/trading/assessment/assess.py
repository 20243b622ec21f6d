"""One evaluation in, one decision out: what to send, what to cancel, and every rule with its numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tradewire.ports.events import (
    AccountStateChanged,
    ControlLevel,
    InstrumentChanged,
    OrderIntent,
    OrderLeg,
    RiskDecision,
    RuleOutcome,
    Side,
    Signal,
    StrategyEvaluated,
    StrategyPosition,
)
from tradewire.ports.risk import Entry, Exposure, RiskPort
from tradewire.trading.assessment.intents import client_order_id, guard_levels, market, protection
from tradewire.trading.assessment.sizing import entry_qty

_ENTERS = {
    Signal.ENTER_LONG: Side.BUY,
    Signal.REVERSE_TO_LONG: Side.BUY,
    Signal.ENTER_SHORT: Side.SELL,
    Signal.REVERSE_TO_SHORT: Side.SELL,
}
_LEAVES_LONG = frozenset({Signal.EXIT_LONG, Signal.REVERSE_TO_SHORT})
_LEAVES_SHORT = frozenset({Signal.EXIT_SHORT, Signal.REVERSE_TO_LONG})


@dataclass(frozen=True, slots=True)
class RiskContext:
    """What risk knows of an account when it decides. ``shared``: several strategies hold the symbol together."""

    state: AccountStateChanged
    exposure: Exposure
    peak_equity: Decimal
    day_start_equity: Decimal
    orders_last_minute: int
    level: ControlLevel
    shared: bool
    data_age_s: float | None = None

    def strategy_qty(self, strategy_id: str, symbol: str) -> Decimal:
        """The strategy's signed share of the position, base."""
        return next(
            (p.qty for p in self.state.strategy_positions if (p.strategy_id, p.symbol) == (strategy_id, symbol)),
            Decimal(0),
        )

    def working(self, strategy_id: str, symbol: str, *legs: str) -> list[str]:
        """Client order ids of the strategy's open orders of these legs."""
        return [
            o.client_order_id
            for o in self.state.open_orders
            if (o.strategy_id, o.symbol) == (strategy_id, symbol) and o.leg in legs
        ]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one evaluation. ``exposure``: the account's exposure with what was approved now reserved."""

    decision: RiskDecision
    intents: tuple[OrderIntent, ...] = ()
    cancels: tuple[str, ...] = ()
    rules: tuple[RuleOutcome, ...] = ()
    exposure: Exposure | None = None


def assess(
    evaluation: StrategyEvaluated,
    evaluation_id: str,
    context: RiskContext,
    instrument: InstrumentChanged,
    rules: RiskPort,
) -> Decision:
    """Turn a signal into orders, as far as the position and the limits allow.

    An exit closes the strategy's own share and withdraws its protective orders; at REDUCE_ONLY it is a reduce-only
    order, whoever else holds a share. An entry is taken only from flat (a reversal: from flat or the other side), never
    added to.
    """
    if evaluation.signal is Signal.HOLD:
        return Decision(RiskDecision.NO_SIGNAL)
    strategy_id, symbol = evaluation.strategy_id, evaluation.symbol
    qty = context.strategy_qty(strategy_id, symbol)
    if context.working(strategy_id, symbol, OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN):
        return Decision(RiskDecision.NO_ACTION)
    intents: list[OrderIntent] = []
    cancels: list[str] = []
    exposure = context.exposure
    leaves = (qty > 0 and evaluation.signal in _LEAVES_LONG) or (qty < 0 and evaluation.signal in _LEAVES_SHORT)
    if leaves:
        alone = not context.shared or context.level is ControlLevel.REDUCE_ONLY
        out = exit_order(evaluation, evaluation_id, qty, OrderLeg.EXIT, reduce_only=alone)
        intents.append(out)
        cancels += context.working(
            strategy_id, symbol, OrderLeg.STOP_LOSS, OrderLeg.TAKE_PROFIT, OrderLeg.TRAILING_STOP
        )
        exposure = exposure.with_order(symbol, out.side, out.qty * evaluation.close)
    side = _ENTERS.get(evaluation.signal)
    outcomes: tuple[RuleOutcome, ...] = ()
    if side is not None and (qty == 0 or leaves):
        then = replace(context, exposure=exposure)
        entered, outcomes = _enter(evaluation, evaluation_id, side, then, instrument, rules, len(intents))
        intents += entered
        if entered:
            exposure = exposure.with_order(symbol, side, entered[0].qty * evaluation.close)
    if not all(rule.passed for rule in outcomes):
        decision = RiskDecision.REFUSED
    else:
        decision = RiskDecision.APPROVED if intents else RiskDecision.NO_ACTION
    return Decision(decision, tuple(intents), tuple(cancels), outcomes, exposure)


def exit_order(
    evaluation: StrategyEvaluated, evaluation_id: str, qty: Decimal, leg: OrderLeg, *, reduce_only: bool
) -> OrderIntent:
    """A market order that closes a strategy's signed share."""
    client_id = client_order_id(
        evaluation_id, evaluation.strategy_id, evaluation.symbol, evaluation.config_version, leg
    )
    side = Side.SELL if qty > 0 else Side.BUY
    return market(client_id, leg, side, abs(qty), reduce_only=reduce_only, reference=evaluation.close)


def _enter(
    evaluation: StrategyEvaluated,
    evaluation_id: str,
    side: Side,
    context: RiskContext,
    instrument: InstrumentChanged,
    rules: RiskPort,
    leaving: int,
) -> tuple[list[OrderIntent], tuple[RuleOutcome, ...]]:
    """Size an entry, judge it, and guard it; no order when any rule refuses. ``leaving``: exits that go with it."""
    state = context.state
    qty = entry_qty(
        evaluation.sizing,
        equity=state.equity,
        close=evaluation.close,
        stop_distance=evaluation.stop_distance,
        instrument=instrument,
    )
    entry = _entry(evaluation, side, qty, context, leaving)
    outcomes = rules.validate_trade(entry, instrument)
    if not all(rule.passed for rule in outcomes):
        return [], outcomes
    client_id = client_order_id(
        evaluation_id, evaluation.strategy_id, evaluation.symbol, evaluation.config_version, OrderLeg.ENTRY
    )
    order = market(client_id, OrderLeg.ENTRY, side, qty, reduce_only=False, reference=evaluation.close)
    guards = protection(order, evaluation, evaluation_id, instrument, reduce_only=not context.shared)
    return [order, *guards], outcomes


def _entry(evaluation: StrategyEvaluated, side: Side, qty: Decimal, context: RiskContext, leaving: int) -> Entry:
    """An entry as the rules judge it."""
    state = context.state
    mark = next((p.mark_price for p in state.positions if p.symbol == evaluation.symbol), evaluation.close)
    return Entry(
        account_id=evaluation.account_id,
        symbol=evaluation.symbol,
        side=side,
        qty=qty,
        price=evaluation.close,
        mark=mark,
        equity=state.equity,
        peak_equity=context.peak_equity,
        day_start_equity=context.day_start_equity,
        exposure=context.exposure,
        orders_last_minute=context.orders_last_minute,
        orders=leaving + 1 + sum(1 for _ in guard_levels(side, evaluation)),
        level=context.level,
        data_age_s=context.data_age_s,
    )


def flatten_order(position: StrategyPosition, cause_id: str) -> OrderIntent:
    """A market order that closes a strategy's share on an operator's demand, with an id of that demand."""
    client_id = client_order_id(cause_id, position.strategy_id, position.symbol, 0, OrderLeg.FLATTEN)
    side = Side.SELL if position.qty > 0 else Side.BUY
    return market(client_id, OrderLeg.FLATTEN, side, abs(position.qty), reduce_only=False)

"""One sentence about a decision: what happened, and because of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradewire.ports.events import (
    AccountStateChanged,
    OrderChanged,
    OrderFilled,
    OrderIntent,
    RiskAssessed,
    RiskDecision,
    Signal,
    StrategyEvaluated,
    StrategyStatusChanged,
)


@dataclass(frozen=True, slots=True)
class OrderStory:
    """One order: what risk asked for, what became of it, and its fills."""

    client_order_id: str
    intent: OrderIntent | None
    changes: tuple[OrderChanged, ...] = ()
    fills: tuple[OrderFilled, ...] = ()

    @property
    def ending(self) -> str:
        """Its newest status and why; empty when execution has said nothing."""
        if not self.changes:
            return ""
        newest = self.changes[-1]
        return newest.status.value + (f" ({newest.reason})" if newest.reason else "")


def verdict(
    evaluation: StrategyEvaluated | None,
    assessment: RiskAssessed | None,
    orders: Sequence[OrderStory],
    *,
    account: AccountStateChanged | None = None,
    asked: str | None = None,
) -> str:
    """The sentence. ``asked``: the order that was asked about, among ``orders``."""
    about = next((order for order in orders if order.client_order_id == asked), None)
    if about is not None:
        return _order(about, evaluation)
    assert evaluation is not None, "without an order there is an evaluation to explain"
    if not evaluation.ready and evaluation.signal is Signal.HOLD:
        return "no order: the strategy was not ready, an input was still warming up"
    if evaluation.signal is Signal.HOLD:
        return "no order: no rule asked for one"
    if assessment is None:
        return f"no order yet: the rules said {evaluation.signal.value} and risk has not answered"
    match assessment.decision:
        case RiskDecision.APPROVED:
            endings = ", ".join(f"{_leg(order)} {order.ending or 'not sent yet'}" for order in orders)
            return f"traded: the rules said {evaluation.signal.value} and risk approved {endings}"
        case RiskDecision.REFUSED:
            return f"no order: the rules said {evaluation.signal.value} and risk refused — {_refusals(assessment)}"
        case RiskDecision.NO_SIGNAL:
            return "no order: there was no signal to act on"
    return f"no order: the rules said {evaluation.signal.value}, but {_inaction(evaluation, account)}"


def _order(order: OrderStory, evaluation: StrategyEvaluated | None) -> str:
    cause = f"the rules said {evaluation.signal.value}" if evaluation is not None else "no strategy's bar asked for it"
    return f"{_leg(order)} order, {order.ending or 'not sent yet'}: {cause}"


def _leg(order: OrderStory) -> str:
    if order.intent is not None:
        return order.intent.leg.value
    return order.changes[-1].leg if order.changes else "?"


def _refusals(assessment: RiskAssessed) -> str:
    return "; ".join(f"{rule.rule}: {rule.value}, allowed {rule.limit}" for rule in assessment.rules if not rule.passed)


def _inaction(evaluation: StrategyEvaluated, account: AccountStateChanged | None) -> str:
    """Why a signal led to nothing: the position or an order at work stands against it."""
    if account is None:
        return "the position or an order at work stands against it"
    key = (evaluation.strategy_id, evaluation.symbol)
    held = next((p.qty for p in account.strategy_positions if (p.strategy_id, p.symbol) == key), None)
    working = [
        o for o in account.open_orders if (o.strategy_id, o.symbol) == key and o.leg in ("ENTRY", "EXIT", "FLATTEN")
    ]
    if working:
        return f"its {working[0].leg} order {working[0].client_order_id} is still at work"
    if held is None:
        return "it holds no position that the signal could close"
    return f"it holds {held.normalize():f} already, and positions are never added to"


def unevaluated(status: StrategyStatusChanged, market: str, bar_us: int | None, *, faulty: bool) -> str:
    """One sentence about a bar that a strategy did not answer."""
    since_us = min((version.effective_from_us for version in status.active), default=None)
    if bar_us is None:
        return f"no {market} closed then" + (", and ingest reported why" if faulty else "")
    if since_us is None:
        return f"{status.strategy_id} was not in force: version {status.version} is {status.status.value}"
    if since_us > bar_us:
        return f"{status.strategy_id} was not in force yet: it decides from {since_us // 1000} ms on"
    return "the bar is there and has not been evaluated: see `tradewire lag` and `tradewire dlq list`"

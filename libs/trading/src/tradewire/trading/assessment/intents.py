"""Order intents: what leaves risk for execution, with ids that every replay makes again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal

from tradewire.ports.events import (
    InstrumentChanged,
    OrderIntent,
    OrderLeg,
    OrderType,
    Side,
    StrategyEvaluated,
    TimeInForce,
)
from tradewire.trading.assessment.sizing import exact, quantize_price
from tradewire.trading.bounds import PRICE_BOUND

CLIENT_ID_CHARACTERS = 30
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
"""Alphabet of the ids, RFC 4648 in lower case."""
_PAIRS = [first + second for first in BASE32 for second in BASE32]
_SHIFTS = range(5 * CLIENT_ID_CHARACTERS - 10, -1, -10)
LEG_LETTERS = {
    OrderLeg.ENTRY: "e",
    OrderLeg.EXIT: "x",
    OrderLeg.STOP_LOSS: "s",
    OrderLeg.TAKE_PROFIT: "p",
    OrderLeg.TRAILING_STOP: "t",
    OrderLeg.FLATTEN: "f",
}
_GUARD_TYPES = {
    OrderLeg.STOP_LOSS: OrderType.STOP_MARKET,
    OrderLeg.TAKE_PROFIT: OrderType.TAKE_PROFIT_MARKET,
    OrderLeg.TRAILING_STOP: OrderType.TRAILING_STOP_MARKET,
}


def client_order_id(evaluation_id: str, strategy_id: str, symbol: str, version: int, leg: OrderLeg) -> str:
    """Deterministic client order id: ``tw<leg>-`` and 30 base32 characters, 34 in all (Binance allows 36).

    A function of strategy version, evaluation and leg, so the same decision always carries the same id and the venue
    refuses a second order for it.
    """
    digest = hashlib.sha256(f"{evaluation_id}|{strategy_id}|{symbol}|{version}|{leg}".encode()).digest()
    bits = int.from_bytes(digest, "big") >> (8 * len(digest) - 5 * CLIENT_ID_CHARACTERS)
    return f"tw{LEG_LETTERS[leg]}-{''.join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])}"


def opposite(side: Side) -> Side:
    """The other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def market(
    client_id: str, leg: OrderLeg, side: Side, qty: Decimal, *, reduce_only: bool, reference: Decimal | None = None
) -> OrderIntent:
    """A market order. ``reference``: the close that decided on it, quote per base."""
    return OrderIntent(
        client_order_id=client_id,
        leg=leg,
        side=side,
        order_type=OrderType.MARKET,
        qty=qty,
        time_in_force=TimeInForce.GTC,
        reduce_only=reduce_only,
        reference_price=reference,
    )


def guard_levels(side: Side, evaluation: StrategyEvaluated) -> Iterator[tuple[OrderLeg, Decimal]]:
    """Legs that guard an entry of this side, and their levels, quote per base; of a trailing stop its distance.

    Distances count from the decision bar's close, which is known when the order is made. One that no price can reach
    could never act, so there is no order for it.
    """
    sign = Decimal(1) if side is Side.BUY else Decimal(-1)
    legs = (
        (OrderLeg.STOP_LOSS, evaluation.stop_distance, -sign),
        (OrderLeg.TAKE_PROFIT, evaluation.take_profit_distance, sign),
        (OrderLeg.TRAILING_STOP, evaluation.trailing_distance, None),
    )
    for leg, distance, direction in legs:
        if distance is None or distance <= 0:
            continue
        level = exact(distance) if direction is None else evaluation.close + direction * exact(distance)
        if level < PRICE_BOUND:
            yield leg, level


def protection(
    entry: OrderIntent,
    evaluation: StrategyEvaluated,
    evaluation_id: str,
    instrument: InstrumentChanged,
    *,
    reduce_only: bool,
) -> Iterator[OrderIntent]:
    """The orders that guard an entry: stop loss, take profit, trailing stop; the first to fill cancels the others.

    They are at work once the entry has filled.
    """
    for leg, level in guard_levels(entry.side, evaluation):
        client_id = client_order_id(
            evaluation_id, evaluation.strategy_id, evaluation.symbol, evaluation.config_version, leg
        )
        order = market(client_id, leg, opposite(entry.side), entry.qty, reduce_only=reduce_only)
        yield guarding(order, entry.client_order_id, quantize_price(level, instrument))


def guarding(order: OrderIntent, entry_id: str, level: Decimal) -> OrderIntent:
    """A market order of a protective leg as the order that guards an entry.

    ``level``: its stop price, of a trailing stop the distance from the best price, quote per base.
    """
    trails = order.leg is OrderLeg.TRAILING_STOP
    return order.model_copy(
        update={
            "order_type": _GUARD_TYPES[OrderLeg(order.leg)],
            "stop_price": None if trails else level,
            "trailing_distance": level if trails else None,
            "parent_id": entry_id,
            "oco_group": f"oco-{entry_id}",
        }
    )

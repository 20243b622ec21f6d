"""Orders that risk has sent and that no account state is certain to show yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from tradewire.ports.events import OrderIntent, OrderLeg, Side, StrategyPosition
from tradewire.risk.domain.saved_values import saved_decimal, saved_int, saved_text


class ShareKey(NamedTuple):
    """Whose part of which position."""

    strategy_id: str
    venue: str
    symbol: str

    @classmethod
    def of(cls, position: StrategyPosition) -> ShareKey:
        """The key of a share."""
        return cls(position.strategy_id, position.venue, position.symbol)


@dataclass(frozen=True, slots=True)
class InFlightOrder:
    """An order that was sent. ``qty``: base, positive when it buys.

    ``step_us``: every account state later than this event time shows what became of the order. None: no step was
    answered since it was sent, so execution may not have read it.
    """

    key: ShareKey
    client_order_id: str
    leg: OrderLeg
    qty: Decimal
    step_us: int | None

    @classmethod
    def of(cls, strategy_id: str, venue: str, symbol: str, intent: OrderIntent, step_us: int | None) -> InFlightOrder:
        """The in-flight order of an intent."""
        qty = intent.qty if intent.side is Side.BUY else -intent.qty
        return cls(ShareKey(strategy_id, venue, symbol), intent.client_order_id, intent.leg, qty, step_us)


_MOVES = (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN)


@dataclass
class InFlightOrders:
    """Orders of one account in flight, and how often each share was told to close.

    Execution reads an account's assessments in the order in which risk writes them, and lets no bar happen before the
    step of the bar before it was answered. So an order is placed before the step answered after it, and every account
    state later than that step shows it.
    """

    _sent: dict[str, InFlightOrder] = field(default_factory=dict)
    _demands: dict[ShareKey, int] = field(default_factory=dict)

    def send(self, order: InFlightOrder) -> None:
        """An order leaves. Protective orders are no moves: they follow their entry."""
        if order.leg in _MOVES:
            self._sent[order.client_order_id] = order

    def precede(self, step_us: int) -> None:
        """A step is answered after all that was sent so far."""
        for client_id, order in self._sent.items():
            if order.step_us is None:
                self._sent[client_id] = replace(order, step_us=step_us)

    def shown_by(self, state_us: int) -> None:
        """A state of the account is known: forget what it shows."""
        self._sent = {
            client_id: order
            for client_id, order in self._sent.items()
            if order.step_us is None or order.step_us >= state_us
        }

    def of(self, key: ShareKey) -> Iterator[InFlightOrder]:
        """What is in flight for a share."""
        return (order for order in self._sent.values() if order.key == key)

    def keys(self) -> set[ShareKey]:
        """Shares with anything in flight."""
        return {order.key for order in self._sent.values()}

    def demand(self, key: ShareKey) -> int:
        """Number of the next demand to close a share: 0, 1, …, the same again when a crash repeats it."""
        number = self._demands.get(key, 0)
        self._demands[key] = number + 1
        return number

    def saved(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sent": [[*f.key, f.client_order_id, f.leg.value, str(f.qty), f.step_us] for f in self._sent.values()],
            "demands": [[*key, number] for key, number in sorted(self._demands.items())],
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any] | None) -> InFlightOrders:
        """What ``saved`` wrote; none when it was written before there were any."""
        found = cls()
        for strategy, venue, symbol, client_id, leg, qty, step_us in (saved or {}).get("sent", ()):
            key = _saved_key(strategy, venue, symbol)
            amount, time_us = saved_decimal(qty), None if step_us is None else saved_int(step_us)
            found.send(InFlightOrder(key, saved_text(client_id), OrderLeg(leg), amount, time_us))
        for strategy, venue, symbol, number in (saved or {}).get("demands", ()):
            found._demands[_saved_key(strategy, venue, symbol)] = saved_int(number)
        return found


def _saved_key(*texts: Any) -> ShareKey:
    return ShareKey(*map(saved_text, texts))

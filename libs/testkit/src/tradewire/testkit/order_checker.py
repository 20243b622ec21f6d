"""Holds a ledger against the truth of a faulty venue once all is quiet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from tradewire.ports.broker import VenueOrder
from tradewire.ports.events import OrderChanged, OrderFilled, OrderIntent, OrderStatus
from tradewire.testkit.faulty_venue import FaultyVenue

_NEVER_THERE = {OrderStatus.REJECTED, OrderStatus.DENIED}


def findings(
    approved: Iterable[OrderIntent],
    venue: FaultyVenue,
    orders: Mapping[str, OrderChanged],
    fills: Sequence[OrderFilled],
) -> list[str]:
    """What is wrong, one sentence each; empty when every intent made at most one order and the ledger has it right.

    Parameters: orders: the ledger's latest transition by client order id; fills: all that it booked.
    """
    found = []
    ids = {intent.client_order_id for intent in approved}
    accepted = venue.accepted
    for client_id in sorted(ids | set(accepted)):
        found += _order(client_id, accepted.get(client_id, ()), orders.get(client_id))
    found += _fills(venue, fills)
    found += _positions(venue, fills)
    return found


def _order(client_id: str, there: Sequence[VenueOrder], held: OrderChanged | None) -> list[str]:
    if len(there) > 1:
        return [f"{client_id}: {len(there)} orders at the venue"]
    if held is None:
        return [f"{client_id}: not in the ledger"]
    if not there:
        return [] if held.status in _NEVER_THERE else [f"{client_id}: {held.status} here, unknown to the venue"]
    (truth,) = there
    if (held.status, held.filled_qty) == (truth.status, truth.filled_qty):
        return []
    return [f"{client_id}: {held.status} {held.filled_qty} here, {truth.status} {truth.filled_qty} at the venue"]


def _fills(venue: FaultyVenue, fills: Sequence[OrderFilled]) -> list[str]:
    held = Counter((f.venue_trade_id, f.client_order_id, f.qty, f.price, f.fee) for f in fills)
    truth = Counter((f.venue_trade_id, f.client_order_id, f.qty, f.price, f.fee) for f in venue.fills)
    lost = [f"fill {key[0]} of {key[1]} is not in the ledger" for key in truth - held]
    return lost + [f"fill {key[0]} of {key[1]} is only in the ledger" for key in held - truth]


def _positions(venue: FaultyVenue, fills: Sequence[OrderFilled]) -> list[str]:
    truth: dict[str, Decimal] = defaultdict(Decimal)
    for fill in venue.fills:
        truth[fill.symbol] += fill.qty if fill.side.value == "BUY" else -fill.qty
    held = {fill.symbol: fill.position_after for fill in sorted(fills, key=lambda fill: fill.sequence)}
    return [
        f"position in {symbol}: {held.get(symbol)} here, {qty} at the venue"
        for symbol, qty in truth.items()
        if held.get(symbol, Decimal(0)) != qty
    ]

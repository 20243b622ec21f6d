"""What is done for an order, as spans and log lines that are kept whatever share of traces is."""

from __future__ import annotations

from tradewire.ports.message import Attributes, Work

LATE_FILL_US = 60_000_000
"""A fill later than this after its order begins a trace of its own, linked to the order's."""


def submission(client_order_id: str, strategy_id: str) -> Work:
    """The order leaves for the venue."""
    return Work("order.submit", _whose(client_order_id, strategy_id), logged=True, kept=True)


def filling(client_order_id: str, strategy_id: str, *, after_us: int) -> Work:
    """The venue filled some of it, so long after it was placed."""
    return Work(
        "order.fill",
        _whose(client_order_id, strategy_id),
        carries_send=True,
        detached=after_us > LATE_FILL_US,
        logged=True,
        kept=True,
    )


def _whose(client_order_id: str, strategy_id: str) -> Attributes:
    return {"tradewire.client_order_id": client_order_id, "tradewire.strategy.id": strategy_id}

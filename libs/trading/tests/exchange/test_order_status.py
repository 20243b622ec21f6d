"""Every pair of status and action: the listed ones lead where they should, all others are refused."""

from __future__ import annotations

import itertools

import pytest

from tradewire.trading.exchange.orders import InvalidTransitionError, OrderAction, OrderStatus, next_status

ALLOWED = {
    ("SUBMITTED", "ACCEPT"): "WORKING",
    ("SUBMITTED", "HOLD"): "INACTIVE",
    ("SUBMITTED", "REJECT"): "REJECTED",
    ("INACTIVE", "ACTIVATE"): "WORKING",
    ("INACTIVE", "CANCEL"): "CANCELED",
    ("INACTIVE", "EXPIRE"): "EXPIRED",
    ("WORKING", "TRIGGER"): "TRIGGERED",
    ("WORKING", "FILL_PART"): "PARTIALLY_FILLED",
    ("WORKING", "FILL_ALL"): "FILLED",
    ("WORKING", "CANCEL"): "CANCELED",
    ("WORKING", "EXPIRE"): "EXPIRED",
    ("TRIGGERED", "FILL_PART"): "PARTIALLY_FILLED",
    ("TRIGGERED", "FILL_ALL"): "FILLED",
    ("TRIGGERED", "CANCEL"): "CANCELED",
    ("TRIGGERED", "EXPIRE"): "EXPIRED",
    ("PARTIALLY_FILLED", "FILL_PART"): "PARTIALLY_FILLED",
    ("PARTIALLY_FILLED", "FILL_ALL"): "FILLED",
    ("PARTIALLY_FILLED", "CANCEL"): "CANCELED",
    ("PARTIALLY_FILLED", "EXPIRE"): "EXPIRED",
}


@pytest.mark.parametrize(("status", "action"), list(itertools.product(OrderStatus, OrderAction)))
def test_next_status_when_any_pair_then_as_listed_or_refused(status: OrderStatus, action: OrderAction) -> None:
    expected = ALLOWED.get((status, action))
    if expected is None:
        with pytest.raises(InvalidTransitionError, match=f"{action} is not allowed when {status}"):
            next_status(status, action)
    else:
        assert next_status(status, action) == expected


def test_closed_statuses_when_listed_then_exactly_those_without_a_way_out() -> None:
    leaving = {status for status, _ in ALLOWED}
    assert {status for status in OrderStatus if status.is_closed} == set(OrderStatus) - leaving

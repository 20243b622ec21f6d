"""What the contract lets through of an instrument, the exchange takes: nothing is left to fail in a handler."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.checks import CHECKS
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import InstrumentChanged, LeverageBracket
from tradewire.testkit.builders import instrument
from tradewire.trading.wire import spec_of

SMALLEST = Decimal("1e-8")
NUMBERS = (
    *(Decimal(-1), -SMALLEST, Decimal(0), SMALLEST, Decimal(1), Decimal("9e10"), Decimal("9e10") + SMALLEST),
    *(Decimal("92233720368.54775807"), Decimal("92233720368.54775808"), Decimal("9223372036854775807")),
)
FIELDS = tuple(name for name, field in InstrumentChanged.model_fields.items() if field.annotation is Decimal)


def is_allowed(event: InstrumentChanged) -> bool:
    with suppress(ContractViolationError):
        CHECKS[InstrumentChanged](event)
        return True
    return False


def brackets(floor: Decimal, cap: Decimal, rate: Decimal) -> tuple[LeverageBracket, ...]:
    """Two that join at ``floor``, the second with a rate of its own."""
    rows: Any = ((Decimal(0), floor, Decimal(0), Decimal(0)), (floor, cap, rate, floor * rate))
    return tuple(
        LeverageBracket(
            notional_floor=low, notional_cap=high, maintenance_ratio=ratio, maintenance_amount=amount, max_leverage=1
        )
        for low, high, ratio, amount in rows
    )


@pytest.mark.parametrize("field", FIELDS)
def test_an_instrument_within_bounds_is_taken_by_the_exchange(field: str) -> None:
    events = [instrument().model_copy(update={field: number}) for number in NUMBERS]

    taken = [spec_of(event) for event in events if is_allowed(event)]

    assert 0 < len(taken) < len(NUMBERS)


def test_brackets_within_bounds_are_taken_by_the_exchange() -> None:
    floors = [2 * number for number in NUMBERS]  # half of each is exact
    tables = [brackets(low, high, rate) for low in floors for high in NUMBERS for rate in (Decimal(0), Decimal("0.5"))]
    events = [instrument(brackets=table) for table in tables]

    taken = [spec_of(event) for event in events if is_allowed(event)]

    assert 0 < len(taken) < len(events)


def test_a_cap_that_means_none_is_no_fault() -> None:
    unlimited = instrument(brackets=brackets(Decimal(1), Decimal("9223372036854775807"), Decimal("0.5")))

    assert is_allowed(unlimited)
    assert spec_of(unlimited).brackets[-1].cap_e8 == 2**63 - 1

"""Exposure: totals carried along are those over all symbols, exactly, and no order of orders changes them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.events import Side
from tradewire.ports.risk import Exposure, SymbolExposure

SYMBOLS = [f"S{number}" for number in range(6)]
amounts = st.decimals(Decimal("-1e18"), Decimal("1e18"), places=16) | st.decimals(-1000, 1000, places=8)
orders = st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(Side), amounts.map(abs))


def exact(values: list[Decimal]) -> Fraction:
    return sum(map(Fraction, values), Fraction(0))


@settings(deadline=None, max_examples=200)
@given(held=st.dictionaries(st.sampled_from(SYMBOLS), amounts), sent=st.lists(orders, max_size=20))
def test_totals_when_orders_follow_one_another_then_equal_the_sums_from_scratch(
    held: dict[str, Decimal], sent: list[tuple[str, Side, Decimal]]
) -> None:
    exposure = Exposure({symbol: SymbolExposure(held=value) for symbol, value in held.items()})
    for order in sent:
        exposure = exposure.with_order(*order)

    assert exposure == Exposure(dict(exposure.symbols))
    assert exposure.totals == Exposure(dict(reversed(list(exposure.symbols.items())))).totals
    every = list(exposure.symbols.values())
    assert Fraction(exposure.gross) == exact([one.worst for one in every])
    position = exact([one.held for one in every])
    longest, shortest = exact([one.buys for one in every]), exact([one.sells for one in every])
    assert Fraction(exposure.net) == max(abs(position + longest), abs(position - shortest))

"""What the compiled loop asks for is what the platform's own sizing and rules say, at every size that fits 64 bits."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradewire.backtest.loops.entry_sizes import METHOD_CODES
from tradewire.backtest.loops.refusals import RULES
from tradewire.backtest.vectorized import entries as module
from tradewire.ports.events import ControlLevel, RiskLimitsChanged, Side, Sizing, SizingMethod
from tradewire.ports.risk import Entry, Exposure
from tradewire.trading.assessment.rules import judge
from tradewire.trading.assessment.sizing import entry_qty
from tradewire.trading.exchange import from_e8, to_e8
from tradewire.trading.language import SizingMethod as Method

from .loops.entrance import entrance
from .vectorized.markets import instrument

entries = entrance(module)

STEPS = ("0.00000001", "0.001", "1", "1000")
NO_LIMITS = RiskLimitsChanged(account_id="desk", version=0, author="", changed_at_us=0)


def powers(low: int, high: int) -> st.SearchStrategy[int]:
    """Whole numbers of any size between two powers of ten."""
    return st.integers(low, high).flatmap(lambda power: st.integers(10**power, 10 ** (power + 1) - 1))


amounts = st.one_of(
    st.sampled_from([0.1, 0.3, 1.0, 500.0, 1e6, 1e8, 99_999_999.0, 1e9, 1e-8]),
    st.floats(1e-6, 1e9),
    st.builds(lambda whole, places: float(Decimal(whole).scaleb(-places)), st.integers(1, 10**9), st.integers(0, 8)),
)
distances = st.one_of(st.floats(1e-8, 1e9), st.sampled_from([0.5, 0.02, 1e-8, 3.0]))


@settings(max_examples=1_500, deadline=None)
@given(
    st.sampled_from(list(Method)),
    amounts,
    st.one_of(st.none(), st.sampled_from([1.0, 0.001, 20.0, 1e6]), st.floats(0.001, 100)),
    distances,
    st.one_of(powers(0, 17), st.just(45 * 10**17)),
    powers(0, 17).filter(lambda price: price < 4 * 10**18),
    st.sampled_from(STEPS),
    st.sampled_from(["1000", "100000", "100000000", "1000000000"]),
)
def test_a_quantity_is_what_assessment_says(
    method: Method, amount: float, cap: float | None, distance: float, equity: int, close: int, step: str, most: str
) -> None:
    market = instrument("AAA", step=step).model_copy(update={"max_qty": Decimal(most)})
    inputs = {"volatility": distance} if method is Method.VOLATILITY_TARGET else {}
    sizing = Sizing(method=SizingMethod(method.name), value=amount, max_leverage=cap, inputs=inputs)
    money, price = from_e8(equity), from_e8(close)
    qty = entry_qty(sizing, equity=money, close=price, stop_distance=distance, instrument=market)
    assume(qty * price < Decimal(40_000_000_000) or qty > market.max_qty)  # a larger position is refused in words
    entry = Entry(
        account_id="desk",
        symbol="AAA",
        side=Side.BUY,
        qty=qty,
        price=price,
        mark=price,
        equity=money,
        peak_equity=money,
        day_start_equity=money,
        exposure=Exposure(),
        orders_last_minute=0,
        level=ControlLevel.NORMAL,
        data_age_s=None,
    )
    broken = next((outcome.rule for outcome in judge(entry, market, NO_LIMITS) if not outcome.passed), None)

    filters = np.array([[1, to_e8(Decimal(step)), to_e8(Decimal(step)), to_e8(Decimal(most)), 5 * 10**8, 0, 0, 1]])
    found, _ = entries._judged(
        0,
        equity,
        close,
        close,
        filters,
        (distance, np.nan, np.nan, distance),
        (METHOD_CODES[method], amount, np.inf if cap is None else cap),
    )

    assert (RULES[-1 - found] if found < 0 else None) == broken
    if broken is None:
        assert found == to_e8(qty)

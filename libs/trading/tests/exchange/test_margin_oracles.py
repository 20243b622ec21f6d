"""Published worked examples: liquidation price, maintenance amounts, funding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.trading.exchange import (
    SCALE,
    brackets,
    funding_amount,
    liquidation_price,
    liquidation_price_at_rate,
    maintenance_amounts,
)
from tradewire.trading.exchange.fixed_point import mul_div, notional
from tradewire.trading.exchange.instrument import bracket_at, maintenance_margin
from tradewire.trading.exchange.margin import unrealized_pnl

WALLET = 153544301000000
BTC = {"position_e8": 10948800000, "entry": 3248198000000, "mark": 3196727000000, "mmr": 2500000, "cum": 16300}
ETH = {"position_e8": 368397900000, "entry": 145684000000, "mark": 133518000000, "mmr": 10000000, "cum": 135365}


def example_price(own: dict[str, int], other: dict[str, int] | None) -> int:
    """Liquidation price in cents of Binance's example; ``other`` is None when isolated."""
    other_margin = other_pnl = 0
    if other is not None:
        value = notional(other["position_e8"], other["mark"])
        other_margin = mul_div(value, other["mmr"], SCALE) - other["cum"] * SCALE
        other_pnl = unrealized_pnl(other["position_e8"], notional(other["position_e8"], other["entry"]), other["mark"])
    price_e8 = liquidation_price_at_rate(
        position_e8=own["position_e8"],
        cost_e8=notional(own["position_e8"], own["entry"]),
        wallet_e8=WALLET,
        mmr_e8=own["mmr"],
        cum_e8=own["cum"] * SCALE,
        other_maintenance_e8=other_margin,
        other_unrealized_e8=other_pnl,
    )
    return mul_div(price_e8, 100, SCALE)


@pytest.mark.parametrize(
    ("own", "other", "cents"),
    [(ETH, BTC, 115326), (BTC, ETH, 2631689), (ETH, None, 111478), (BTC, None, 1877873)],
    ids=["eth-cross", "btc-cross", "eth-isolated", "btc-isolated"],
)
def test_liquidation_price_when_binance_example_then_equal_to_the_cent(
    own: dict[str, int], other: dict[str, int] | None, cents: int
) -> None:
    assert example_price(own, other) == cents


def test_maintenance_amounts_when_btc_brackets_then_binance_amounts() -> None:
    floors = [0, 50_000, 250_000, 3_000_000, 20_000_000, 40_000_000, 10**8, 12 * 10**7, 2 * 10**8, 3 * 10**8]
    rates = [400_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10**7, 12_500_000, 15_000_000, 25_000_000, 5 * 10**7]
    rows = [(floor * SCALE, rate) for floor, rate in zip(floors, rates, strict=True)]
    amounts = [0, 50, 1_300, 46_300, 546_300, 2_546_300, 5_046_300, 8_046_300, 28_046_300, 103_046_300]
    assert [amount / SCALE for amount in maintenance_amounts(rows)] == amounts


@pytest.mark.parametrize(
    ("position", "rate", "amount"),
    [(1, 10_000, -1), (-1, 10_000, 1), (1, -10_000, 1), (-1, -10_000, -1), (0, 10_000, 0)],
)
def test_funding_when_rate_is_positive_then_longs_pay(position: int, rate: int, amount: int) -> None:
    assert funding_amount(position * SCALE, 10_000 * SCALE, rate) == amount * SCALE


TIERS = brackets(
    [
        (0, 50_000 * SCALE, 400_000, 125),
        (50_000 * SCALE, 250_000 * SCALE, 500_000, 100),
        (250_000 * SCALE, 3_000_000 * SCALE, 2_500_000, 20),
        (3_000_000 * SCALE, 20_000_000 * SCALE, 10_000_000, 5),
    ]
)


@given(
    qty=st.integers(1, 10**11),
    long=st.booleans(),
    entry=st.integers(10**8, 10**13),
    leverage=st.integers(1, 100),
)
def test_liquidation_price_when_mark_stands_there_then_balance_meets_margin_of_its_own_bracket(
    qty: int, long: bool, entry: int, leverage: int
) -> None:
    cost = notional(qty, entry)
    wallet = cost // leverage
    position = qty if long else -qty
    price = liquidation_price(TIERS, position_e8=position, cost_e8=cost, wallet_e8=wallet)
    if price == 0:
        assert long
        return
    balance = wallet + unrealized_pnl(position, cost, price)
    margin = maintenance_margin(TIERS, notional(qty, price))
    assert abs(balance - margin) <= 4 + 4 * qty // SCALE
    tier = bracket_at(TIERS, notional(qty, price))
    own_bracket_price = liquidation_price_at_rate(
        position_e8=position, cost_e8=cost, wallet_e8=wallet, mmr_e8=tier.mmr_e8, cum_e8=tier.cum_e8
    )
    assert abs(own_bracket_price - price) <= 4 + SCALE * 4 // qty


@given(value=st.integers(0, 25_000_000 * SCALE))
def test_maintenance_margin_when_bracketed_then_is_the_largest_of_the_lines(value: int) -> None:
    lines = [-(-value * tier.mmr_e8 // SCALE) - tier.cum_e8 for tier in TIERS]
    assert maintenance_margin(TIERS, value) == max(lines)

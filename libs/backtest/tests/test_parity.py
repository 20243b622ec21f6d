"""Two engines that should agree: what the certificate says when they do, and what it names when they don't."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tradewire.backtest.parity import certify
from tradewire.ports.backtest import LIQUIDATION, AccountSettings, BacktestFill, BacktestResult
from tradewire.ports.events import Liquidity, OrderLeg, Side

HOUR_US = 3_600_000_000


def fill(hour: int, side: Side, price: str, *, leg: OrderLeg = OrderLeg.ENTRY, qty: str = "0.5") -> BacktestFill:
    return BacktestFill(
        time_us=hour * HOUR_US,
        symbol="BTCUSDT",
        client_order_id=f"{leg}-{hour}",
        leg=leg,
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
        fee=Decimal("0.01"),
        liquidity=Liquidity.TAKER,
        realized_pnl=Decimal(0),
        slippage=Decimal(0),
    )


def result(engine: str, equity: list[int], *fills: BacktestFill, fingerprint: str = "f") -> BacktestResult:
    return BacktestResult(
        engine=engine,
        strategy_id="cross",
        strategy_hash="h",
        params={},
        account=AccountSettings(),
        make_fingerprint=lambda: fingerprint,
        fill_model="next open",
        left_out=(),
        trades=(),
        fills=fills,
        funding=(),
        time_us=np.arange(1, len(equity) + 1, dtype=np.int64) * HOUR_US,
        equity_e8=np.array(equity, dtype=np.int64),
        position_e8={"BTCUSDT": np.array([0, 0, 50_000_000, 50_000_000], dtype=np.int64)[: len(equity)]},
        fees=sum((fill.fee for fill in fills), Decimal(0)),
    )


ENTRY, EXIT = fill(3, Side.BUY, "100"), fill(4, Side.SELL, "101", leg=OrderLeg.EXIT)
EQUITY = [10**12, 10**12, 10**12 + 5, 10**12 + 9]
REFERENCE = result("futures", EQUITY, ENTRY, EXIT)


def test_equal_runs_are_certified() -> None:
    certificate = certify([REFERENCE, replace(REFERENCE, engine="kafka")])

    assert certificate.clean
    assert certificate.agreements[0].exact


def test_one_unit_of_money_is_a_difference_between_exact_engines() -> None:
    (agreement,) = certify(
        [REFERENCE, result("replay", [*EQUITY[:2], EQUITY[2] + 1, EQUITY[3]], ENTRY, EXIT)]
    ).agreements

    assert agreement.divergence is not None
    assert (agreement.divergence.what, agreement.divergence.time_us) == ("equity", 3 * HOUR_US)
    assert "funding, the mark or a liquidation" in agreement.divergence.cause
    assert agreement.largest_equity_difference == Decimal("0.00000001")


def test_one_unit_is_within_the_tolerance_of_an_engine_in_floats() -> None:
    other = result("vectorized", [*EQUITY[:2], EQUITY[2] + 1, EQUITY[3]], ENTRY, EXIT, fingerprint="other")

    assert certify([REFERENCE, other]).clean


@pytest.mark.parametrize("engine", ["replay", "vectorized"])
@pytest.mark.parametrize(
    ("fills", "what", "cause"),
    [
        ((ENTRY,), "fill of BTCUSDT EXIT", "refused, not sent or not filled"),
        ((replace(ENTRY, qty=Decimal("0.4")), EXIT), "fill of BTCUSDT ENTRY: qty", "sizing"),
        ((replace(ENTRY, price=Decimal("100.1")), EXIT), "fill of BTCUSDT ENTRY: price", "fill model"),
        ((replace(ENTRY, time_us=2 * HOUR_US), EXIT), "fill of BTCUSDT ENTRY: time_us", "another bar"),
        ((ENTRY, replace(EXIT, leg=OrderLeg.STOP_LOSS)), "fill of BTCUSDT EXIT: leg", "another order"),
    ],
    ids=["missing fill", "quantity", "price", "time", "leg"],
)
def test_first_difference_is_named_with_its_cause(
    engine: str, fills: tuple[BacktestFill, ...], what: str, cause: str
) -> None:
    (agreement,) = certify([REFERENCE, result(engine, EQUITY, *fills)]).agreements

    assert agreement.divergence is not None
    assert agreement.divergence.what == what
    assert cause in agreement.divergence.cause


def test_what_comes_first_is_named_even_when_more_follows() -> None:
    other = result("replay", [*EQUITY[:1], 1, 2, 3], replace(ENTRY, price=Decimal(99)), EXIT)

    (agreement,) = certify([REFERENCE, other]).agreements

    assert agreement.divergence is not None
    assert (agreement.divergence.what, agreement.divergence.time_us) == ("equity", 2 * HOUR_US)


def test_other_bars_are_a_difference() -> None:
    (agreement,) = certify([REFERENCE, result("replay", EQUITY[:3], ENTRY)]).agreements

    assert agreement.divergence is not None


def test_exact_engines_must_share_the_fingerprint() -> None:
    (agreement,) = certify([REFERENCE, result("kafka", EQUITY, ENTRY, EXIT, fingerprint="g")]).agreements

    assert agreement.divergence is not None
    assert agreement.divergence.what == "fingerprint"


def test_one_result_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        certify([REFERENCE])


def test_a_fill_that_only_one_engine_has_is_named_and_not_the_one_that_comes_next() -> None:
    other_market = replace(fill(3, Side.SELL, "50"), symbol="ETHUSDT")
    (agreement,) = certify([REFERENCE, result("vectorized", EQUITY, ENTRY, other_market, EXIT)]).agreements

    first = agreement.divergence
    assert first is not None
    assert (first.what, first.time_us) == ("fill of ETHUSDT ENTRY", 3 * HOUR_US)
    assert (first.found, first.expected) == ("SELL 0.5 at 50", "none")


def test_an_entry_that_one_engine_had_no_margin_for_is_told_with_its_figures() -> None:
    account = AccountSettings(capital=Decimal(10_000), leverage=2)
    held = fill(2, Side.BUY, "100", qty="150")
    too_much = fill(3, Side.BUY, "100", qty="60")
    refused = replace(result("futures", EQUITY, held), account=account)
    filled = replace(
        result("vectorized", EQUITY, held, too_much), account=account, left_out=("Margin is not modelled.",)
    )

    (agreement,) = certify([refused, filled]).agreements

    assert agreement.divergence is not None
    cause = agreement.divergence.cause
    assert "futures has no margin for it: its positions and this order need about 10,500 at 2x" in cause
    assert "its equity is 10,000" in cause
    assert "vectorized leaves out: Margin is not modelled." in cause


def test_a_liquidation_that_one_engine_lacks_is_named() -> None:
    gone = replace(fill(4, Side.SELL, "80"), leg=LIQUIDATION)
    lacking = replace(result("vectorized", EQUITY, ENTRY), left_out=("Margin is not modelled.",))

    (agreement,) = certify([result("futures", EQUITY, ENTRY, gone), lacking]).agreements

    assert agreement.divergence is not None
    assert "vectorized does not liquidate here" in agreement.divergence.cause

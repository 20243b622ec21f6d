"""The vectorized engine trades as the services' exchange does, wherever it models the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.futures.engine import FuturesEngine
from tradewire.backtest.parity import certify
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode
from tradewire.ports.events import RiskLimitsChanged

from .markets import requests

ENGINE, EXCHANGE = VectorizedEngine(), FuturesEngine()


@settings(max_examples=60, deadline=None)
@given(requests())
def test_random_markets_give_what_the_exchange_gives_to_the_last_unit(request: BacktestRequest) -> None:
    found, expected = ENGINE.run(request), EXCHANGE.run(request)
    certificate = certify([expected, found])
    assert certificate.clean, certificate.agreements[0].divergence
    assert np.array_equal(found.equity_e8, expected.equity_e8)
    assert found.trades == expected.trades
    assert found.funding == expected.funding
    assert found.activity == expected.activity
    for symbol, held in expected.position_e8.items():
        assert np.array_equal(found.position_e8[symbol], held)


@settings(max_examples=25, deadline=None)
@given(requests(), st.integers(1, 60))
def test_a_warmup_holds_decisions_back_alike(request: BacktestRequest, bars: int) -> None:
    waiting = replace(request, strategy=f"{request.strategy}warmup: {bars}\n")

    found, expected = ENGINE.run(waiting), EXCHANGE.run(waiting)

    assert found.trades == expected.trades
    assert found.activity == expected.activity
    assert found.activity.bars_not_ready >= sum(min(bars, len(market)) for market in request.markets)


@settings(max_examples=25, deadline=None)
@given(requests())
def test_every_fill_comes_after_the_close_it_was_decided_at(request: BacktestRequest) -> None:
    for fill in ENGINE.run(request).fills:
        market = next(market for market in request.markets if market.symbol == fill.symbol)
        opens = market.open_time_us
        at = int(np.searchsorted(opens, fill.time_us, side="right")) - 1
        assert at >= 1, "nothing is known before the first close"
        if fill.leg in ("ENTRY", "EXIT"):
            assert fill.time_us == opens[at] >= opens[at - 1] + 3_600_000_000


def test_what_is_asked_for_and_not_modelled_is_named(long_run: BacktestRequest) -> None:
    limits = RiskLimitsChanged(account_id="desk", version=1, max_leverage=Decimal(1), author="tests", changed_at_us=0)
    asked = AccountSettings(
        volume_share=Decimal("0.1"), latency_us=500_000, margin_mode=MarginMode.ISOLATED, leverage=7, limits=limits
    )
    said = " ".join(ENGINE.run(replace(long_run, account=asked)).left_out)
    for words in ("isolated, leverage 7", "risk limits", "volume share of 0.1", "latency of 500000 µs"):
        assert words in said
    assert len(ENGINE.run(long_run).left_out) == 1


def test_the_fingerprint_changes_with_a_fill_and_not_with_the_order_of_markets(two_markets: BacktestRequest) -> None:
    found = ENGINE.run(two_markets).fingerprint
    assert ENGINE.run(replace(two_markets, markets=two_markets.markets[::-1])).fingerprint == found
    costlier = replace(two_markets, account=replace(two_markets.account, slippage_bps=Decimal(2)))
    assert ENGINE.run(costlier).fingerprint != found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"markets": ()}, "no data for AAA; found none"),
        ({"account": AccountSettings(slippage_bps=Decimal(-1))}, "slippage -1 bps; allowed is 0 to 10000"),
        ({"account": AccountSettings(taker_fee=Decimal("-0.1"))}, "taker fee -0.1 is negative"),
        ({"account": AccountSettings(capital=Decimal(-1))}, "capital -1"),
    ],
)
def test_what_can_not_be_run_says_what_is_allowed(
    long_run: BacktestRequest, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ENGINE.run(replace(long_run, **change))


def test_bars_of_another_interval_are_refused(long_run: BacktestRequest) -> None:
    other = replace(long_run.markets[0], interval="4h")
    with pytest.raises(ValueError, match="AAA: found bars of 4h, allowed 1h"):
        ENGINE.run(replace(long_run, markets=(other,)))


def test_prices_of_more_than_8_decimals_are_refused(long_run: BacktestRequest) -> None:
    market = long_run.markets[0]
    close = market.close.copy()
    close[5] = (market.low[5] + market.high[5]) / 2 + 1e-9
    with pytest.raises(ValueError, match=r"AAA close of bar 5: found .*, allowed at most 8 decimals"):
        ENGINE.run(replace(long_run, markets=(replace(market, close=close),)))


def test_a_market_of_another_venue_or_without_bars_is_refused(long_run: BacktestRequest) -> None:
    market = long_run.markets[0]
    other = replace(market, instrument=market.instrument.model_copy(update={"venue": "elsewhere"}))
    with pytest.raises(ValueError, match="AAA: found venue elsewhere, allowed paper"):
        ENGINE.run(replace(long_run, markets=(other,)))
    names = ("open_time_us", "open", "high", "low", "close", "volume")
    empty = replace(market, **{name: getattr(market, name)[:0] for name in names})
    with pytest.raises(ValueError, match="AAA: found no bars"):
        ENGINE.run(replace(long_run, markets=(empty,)))


def test_bars_whose_prices_do_not_nest_are_refused(long_run: BacktestRequest) -> None:
    market = long_run.markets[0]
    high = market.high.copy()
    high[3] = market.low[3] / 2
    with pytest.raises(ValueError, match="bar 3 has prices that do not nest"):
        ENGINE.run(replace(long_run, markets=(replace(market, high=high),)))

"""What must follow from a change of the input, whatever the numbers are (no oracle needed)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, MarketHistory

from .markets import DISTANCES, HOUR_US, MIRRORED, NO_FRICTION, history, instrument, requests, strategy, volumes

ENGINE = VectorizedEngine()
FIXED = "{fixed_qty: 2}"


def scaled(market: MarketHistory, factor: float) -> MarketHistory:
    prices = {name: getattr(market, name) * factor for name in ("open", "high", "low", "close")}
    return replace(market, **prices)


def with_volumes(market: MarketHistory, change: Callable[[int], int]) -> MarketHistory:
    return replace(market, volume=np.array([change(int(volume)) for volume in market.volume], dtype=np.float64))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), volumes, st.sampled_from([2, 4, 16]), st.sampled_from(["", "stop_loss", "trailing_stop"]))
def test_scaled_prices_scale_the_profit(seed: int, drawn: list[int], factor: int, protection: str) -> None:
    market = replace(history("AAA", seed, drawn), instrument=instrument("AAA", tick="0.00000001"))
    text = strategy(["AAA"], FIXED, {protection: "0.02 * close"} if protection else None)
    request = BacktestRequest(text, (market,), account=NO_FRICTION)
    found = ENGINE.run(request).equity_e8 - 10**13
    scaled_up = ENGINE.run(replace(request, markets=(scaled(market, factor),))).equity_e8 - 10**13
    units = 8 * factor * (1 + len(drawn)) if protection else 0  # levels are rounded to the unit
    assert np.abs(scaled_up - factor * found).max() <= units


@settings(max_examples=20, deadline=None)
@given(requests(extras=False), st.integers(1, 1000))
def test_shifted_time_shifts_the_fills_and_nothing_else(request: BacktestRequest, days: int) -> None:
    shift_us = days * 24 * HOUR_US
    later = tuple(replace(market, open_time_us=market.open_time_us + shift_us) for market in request.markets)
    found, moved = ENGINE.run(request), ENGINE.run(replace(request, markets=later))
    assert np.array_equal(found.equity_e8, moved.equity_e8)
    assert [replace(fill, time_us=fill.time_us + shift_us) for fill in found.fills] == list(moved.fills)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), volumes, st.dictionaries(st.sampled_from(["stop_loss", "take_profit"]), st.just("1.125")))
def test_a_mirrored_market_and_mirrored_signals_give_the_same_profit(
    seed: int, drawn: list[int], protect: dict[str, str]
) -> None:
    market = history("AAA", seed, drawn)
    prices = {"open": market.open, "close": market.close, "high": market.low, "low": market.high}
    prices_turned: dict[str, Any] = {name: np.round(500 - column, 2) for name, column in prices.items()}
    turned = replace(market, **prices_turned)
    turned = with_volumes(turned, lambda volume: MIRRORED.get(volume, volume))
    text = strategy(["AAA"], FIXED, protect)
    found = ENGINE.run(BacktestRequest(text, (market,), account=NO_FRICTION))
    mirrored = ENGINE.run(BacktestRequest(text, (turned,), account=NO_FRICTION))
    assert np.array_equal(found.equity_e8, mirrored.equity_e8)
    assert [fill.time_us for fill in found.fills] == [fill.time_us for fill in mirrored.fills]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), volumes)
def test_without_fees_the_other_side_of_every_trade_loses_what_it_earns(seed: int, drawn: list[int]) -> None:
    market = history("AAA", seed, drawn)
    flipped = with_volumes(market, lambda volume: MIRRORED.get(volume, volume))
    text = strategy(["AAA"], FIXED)
    found, other = (
        ENGINE.run(BacktestRequest(text, (side,), account=NO_FRICTION)).equity_e8 - 10**13 for side in (market, flipped)
    )
    assert np.array_equal(found, -other)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), volumes, st.sampled_from(DISTANCES))
def test_an_order_in_two_halves_earns_the_same(seed: int, drawn: list[int], distance: str) -> None:
    market = history("AAA", seed, drawn)
    results = []
    for qty in (1, 2):
        text = strategy(["AAA"], f"{{fixed_qty: {qty}}}", {"stop_loss": distance, "take_profit": "2.5"})
        account = replace(NO_FRICTION, slippage_bps=Decimal(3))
        results.append(ENGINE.run(BacktestRequest(text, (market,), account=account)).equity_e8 - 10**13)
    assert np.array_equal(2 * results[0], results[1])


@settings(max_examples=20, deadline=None)
@given(requests(), st.randoms(use_true_random=False))
def test_the_order_of_symbols_does_not_matter(request: BacktestRequest, random: Random) -> None:
    markets = list(request.markets)
    random.shuffle(markets)
    names = [market.symbol for market in markets]
    listed = "symbols: [" + ", ".join(market.symbol for market in request.markets) + "]"
    text = request.strategy.replace(listed, f"symbols: [{', '.join(names)}]")
    found, shuffled = ENGINE.run(request), ENGINE.run(replace(request, strategy=text, markets=tuple(markets)))
    assert found.fingerprint == shuffled.fingerprint
    assert found.fills == shuffled.fills


@settings(max_examples=20, deadline=None)
@given(requests(), st.floats(0.1, 0.9))
def test_what_comes_later_changes_nothing_that_was(request: BacktestRequest, share: float) -> None:
    whole = ENGINE.run(request)
    cut_us = int(whole.time_us[int(len(whole.time_us) * share)])
    shorter = tuple(until(market, cut_us) for market in request.markets)
    if not all(len(market) for market in shorter):
        return
    part = ENGINE.run(replace(request, markets=shorter))
    kept = len(part.time_us)
    assert np.array_equal(part.equity_e8, whole.equity_e8[:kept])
    before = [[fill for fill in result.fills if fill.time_us < cut_us] for result in (part, whole)]
    assert before[0] == before[1]


def until(market: MarketHistory, close_us: int) -> MarketHistory:
    """Bars that close by then."""
    count = int(np.searchsorted(market.open_time_us + HOUR_US, close_us, side="right"))
    cut = {name: getattr(market, name)[:count] for name in ("open_time_us", "open", "high", "low", "close", "volume")}
    mark = market.mark
    if mark is not None:
        mark = replace(mark, **{name: getattr(mark, name)[:count] for name in ("open", "high", "low", "close")})
    rates = None if market.funding_rate is None else market.funding_rate[:count]
    return replace(market, **cut, mark=mark, funding_rate=rates)

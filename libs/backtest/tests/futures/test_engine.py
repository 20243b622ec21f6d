"""The futures engine: in the compiled loop or not, symbols in whatever order, the numbers are the exchange's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.futures import FuturesEngine, loop
from tradewire.backtest.futures.log import Log
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult, MarketHistory, MarkHistory
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.exchange import SimulatedExchange, to_e8
from tradewire.trading.language import StrategyErrors

from .markets import HOUR_US, market, strategy
from .requests import finer, requests

BTC = "BTCUSDT"


def run(request: BacktestRequest) -> BacktestResult:
    return FuturesEngine().run(request)


def run_bar_by_bar(request: BacktestRequest) -> BacktestResult:
    """The same without the compiled loop: the exchange sees every bar."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "trade", lambda start, *_: (start, False))
        return run(request)


def run_in_turns(request: BacktestRequest, bars: int) -> BacktestResult:
    """The same with the exchange seeing one bar after ``bars`` that the loop took."""
    trade = loop.trade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "trade", lambda start, stop, *rest: trade(start, min(stop, start + bars), *rest))
        return run(request)


def assert_equal(result: BacktestResult, expected: BacktestResult) -> None:
    """To the last unit, in all that happened."""
    assert result.fingerprint == expected.fingerprint
    assert result.fills == expected.fills
    assert result.funding == expected.funding
    assert result.trades == expected.trades
    assert result.activity == expected.activity


@settings(deadline=None, max_examples=120)
@given(request=requests())
def test_the_compiled_loop_changes_no_unit(request: BacktestRequest) -> None:
    assert_equal(run(request), run_bar_by_bar(request))


@settings(deadline=None, max_examples=120)
@given(request=requests())
def test_what_a_sweep_reads_is_told_before_anything_is_made(request: BacktestRequest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "client_order_ids", lambda *_: pytest.fail("order ids are made"))
        result = run(request)
        trades, fees = len(result.trades), result.fees
    assert trades == len(list(result.trades))
    assert fees == sum((fill.fee for fill in result.fills), Decimal(0))


@settings(deadline=None, max_examples=40)
@given(request=requests(), bars=st.integers(1, 9))
def test_loop_and_exchange_may_take_turns_at_any_bar(request: BacktestRequest, bars: int) -> None:
    assert_equal(run_in_turns(request, bars), run(request))


@settings(deadline=None, max_examples=25)
@given(request=requests())
def test_money_adds_up_and_nothing_fills_on_the_bar_that_decided(request: BacktestRequest) -> None:
    result = run(request)

    gained = int(result.equity_e8[-1]) - to_e8(request.account.capital)
    total = sum(to_e8(trade.pnl) for trade in result.trades)
    if not any(fill.leg == "LIQUIDATION" for fill in result.fills):  # there the insurance fund may pay
        assert abs(total - gained) <= 2 * len(result.fills)
    assert sum(to_e8(paid.amount) for paid in result.funding) == sum(to_e8(t.funding) for t in result.trades)
    for symbol, position in result.position_e8.items():
        signed = [to_e8(f.qty) * (1 if f.side.value == "BUY" else -1) for f in result.fills if f.symbol == symbol]
        assert sum(signed) == int(position[-1])
    assert len({fill.client_order_id for fill in result.fills if fill.leg == "ENTRY"}) <= len(result.time_us)


@settings(deadline=None, max_examples=15)
@given(request=requests())
def test_order_of_the_markets_does_not_matter(request: BacktestRequest) -> None:
    turned = replace(request, markets=tuple(reversed(request.markets)))

    assert run(turned).fingerprint == run(request).fingerprint


@settings(deadline=None, max_examples=15)
@given(request=requests(), cut=st.integers(20, 140))
def test_truncating_the_future_changes_no_past_fill(request: BacktestRequest, cut: int) -> None:
    short = tuple(_head(item, cut * HOUR_US) for item in request.markets)

    past = run(replace(request, markets=short))

    whole = run(request)
    kept = [fill for fill in whole.fills if fill.time_us < int(past.time_us[-1])]
    assert [fill for fill in past.fills if fill.time_us < int(past.time_us[-1])] == kept
    assert np.array_equal(whole.equity_e8[: len(past.equity_e8) - 1], past.equity_e8[:-1])


def _head(item: MarketHistory, before_us: int) -> MarketHistory:
    kept = item.open_time_us < before_us
    marks = None if item.mark is None else MarkHistory(**_cut(item.mark, PRICES, kept))
    rates = None if item.funding_rate is None else item.funding_rate[kept]
    path = item.path
    if path is not None:
        inside = path.open_time_us < before_us
        told = None if path.mark is None else MarkHistory(**_cut(path.mark, PRICES, inside))
        path = replace(path, **_cut(path, BAR, inside), mark=told)
    return replace(item, **_cut(item, BAR, kept), mark=marks, funding_rate=rates, path=path)


PRICES = ("open", "high", "low", "close")
BAR = ("open_time_us", *PRICES, "volume")


def _cut(columns: Any, names: tuple[str, ...], kept: Any) -> dict[str, Any]:
    return {name: getattr(columns, name)[kept] for name in names}


def test_entries_fill_at_the_next_open_with_slippage_against_the_taker() -> None:
    request = BacktestRequest(
        strategy((BTC,)), (market(BTC, 7, 200),), account=AccountSettings(slippage_bps=Decimal(5))
    )

    result = run(request)

    first = result.fills[0]
    bar = int(np.searchsorted(request.markets[0].open_time_us, first.time_us))
    shown = Decimal(repr(float(request.markets[0].open[bar])))
    assert request.markets[0].open_time_us[bar] == first.time_us
    sign = 1 if first.side.value == "BUY" else -1
    assert 0 < (first.price - shown) * sign <= shown * Decimal("0.0005") + Decimal("0.01")
    assert first.slippage == abs(first.price - shown) * first.qty


def test_a_position_too_large_for_its_margin_is_liquidated() -> None:
    text = strategy((BTC,), sizing="fraction_of_equity: 19")
    request = BacktestRequest(text, (market(BTC, 3, 300, step=4.0),), account=AccountSettings(leverage=20))

    result = run(request)

    assert any(fill.leg == "LIQUIDATION" for fill in result.fills)


LIMITS = RiskLimitsChanged(
    account_id="main",
    version=1,
    max_gross_exposure=Decimal(80_000),
    max_drawdown_ratio=Decimal("0.9"),
    author="test",
    changed_at_us=0,
)
GUARDED = "stop_loss: 1.5, take_profit: 2, trailing_stop: 2"


@pytest.mark.parametrize(
    ("account", "protect", "inside"),
    [
        (AccountSettings(), "", False),
        (AccountSettings(), GUARDED, False),
        (AccountSettings(volume_share=Decimal("0.05")), GUARDED, False),
        (AccountSettings(latency_us=HOUR_US // 7), GUARDED, False),
        (AccountSettings(limits=LIMITS), GUARDED, False),
        (AccountSettings(), GUARDED, True),
        (AccountSettings(volume_share=Decimal("0.05"), latency_us=HOUR_US // 7, limits=LIMITS), GUARDED, True),
    ],
    ids=["market orders", "guards", "partial fills", "latency", "limits", "finer bars", "all"],
)
@pytest.mark.parametrize("lot", ["0.001", "0.00000001"])
def test_few_bars_need_the_exchange(
    lot: str, account: AccountSettings, protect: str, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    step = SimulatedExchange.step

    def counted(exchange: SimulatedExchange, time_us: int, *rest: Any) -> Any:
        seen.append(time_us)
        return step(exchange, time_us, *rest)

    monkeypatch.setattr(SimulatedExchange, "step", counted)
    one = market(BTC, 1, 2_000, lot=lot)
    one = replace(one, path=finer(one, "15m", 1.0, 5) if inside else None)
    fills = run(BacktestRequest(strategy((BTC,), protect=protect), (one,), account=account)).fills

    assert len(fills) > 100
    assert len(seen) <= 20


def test_quantities_of_exactly_whole_steps_need_no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    one = market(BTC, 1, 2_000)
    coarse = {name: np.maximum(np.round(getattr(one, name) / 25), 1) * 25 for name in ("open", "high", "low", "close")}
    asked = BacktestRequest(strategy((BTC,), sizing="fixed_notional: 1000"), (replace(one, **coarse),))
    monkeypatch.setattr(SimulatedExchange, "step", lambda *_: pytest.fail("the exchange sees a bar"))

    fills = run(asked).fills

    assert len([fill for fill in fills if fill.leg == "ENTRY" and fill.qty in (10, 8, 20)]) > 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: replace(r, markets=()), "no data for BTCUSDT"),
        (lambda r: replace(r, markets=(replace(r.markets[0], interval="4h"),)), "found bars of 4h, allowed 1h"),
        (lambda r: replace(r, markets=(_head(r.markets[0], 0),)), "found no bars"),
        (lambda r: replace(r, account=AccountSettings(leverage=500)), "leverage"),
        (
            lambda r: replace(r, markets=(replace(r.markets[0], close=r.markets[0].close + 1e-9),)),
            "allowed at most 8 decimals",
        ),
    ],
    ids=["no market", "other interval", "no bars", "leverage", "decimals"],
)
def test_what_cannot_run_is_told(change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(change(BacktestRequest(strategy((BTC,)), (market(BTC, 1, 50),))))


def test_a_strategy_that_does_not_compile_is_told() -> None:
    with pytest.raises(StrategyErrors):
        run(BacktestRequest("id: x", (market(BTC, 1, 50),)))

"""The futures engine: quiet bars skipped or not, symbols in whatever order, the numbers are the exchange's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.futures import FuturesEngine, engine, quiet
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult, MarginMode
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.exchange import SimulatedExchange, to_e8
from tradewire.trading.language import StrategyErrors

from .markets import HOUR_US, market, strategy

BTC, ETH = "BTCUSDT", "ETHUSDT"
PROTECTIONS = (
    "",
    "stop_loss: 2",
    "take_profit: 3",
    "trailing_stop: 2.5",
    "stop_loss: 4, take_profit: 2, trailing_stop: 3",
)


def run(request: BacktestRequest) -> BacktestResult:
    return FuturesEngine().run(request)


def run_bar_by_bar(request: BacktestRequest) -> BacktestResult:
    """The same with no bar passed over: the exchange sees all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "plain_terms", lambda *_: None)
        patch.setattr(quiet, "first_eventful", lambda start, *_: start)
        return run(request)


@st.composite
def requests(draw: st.DrawFn) -> BacktestRequest:
    """Any account on any markets."""
    symbols = draw(st.sampled_from([(BTC,), (BTC, ETH)]))
    options: dict[str, Any] = {
        "step": draw(st.sampled_from([0.3, 1.0, 4.0])),
        "mark": draw(st.booleans()),
        "funding": draw(st.booleans()),
        "missing": draw(st.sampled_from([0.0, 0.2])),
    }
    seed = draw(st.integers(0, 2**32 - 2))
    sizing = draw(st.sampled_from(["fraction_of_equity: 0.5", "fixed_qty: 40", "fraction_of_equity: 12"]))
    account = AccountSettings(
        capital=Decimal(10_000),
        leverage=draw(st.sampled_from([1, 5, 20])),
        margin_mode=draw(st.sampled_from(MarginMode)),
        slippage_bps=draw(st.sampled_from([Decimal(0), Decimal("1.5")])),
        volume_share=draw(st.sampled_from([Decimal(0), Decimal("0.1")])),
        latency_us=draw(st.sampled_from([0, HOUR_US // 5])),
        limits=draw(
            st.sampled_from(
                [
                    None,
                    RiskLimitsChanged(
                        account_id="main",
                        version=1,
                        max_gross_exposure=Decimal(12_000),
                        max_drawdown_ratio=Decimal("0.3"),
                        max_daily_loss=Decimal(500),
                        max_orders_per_minute=5,
                        author="test",
                        changed_at_us=0,
                    ),
                ]
            )
        ),
    )
    markets = tuple(market(symbol, seed + n, 150, **options) for n, symbol in enumerate(symbols))
    text = strategy(symbols, protect=draw(st.sampled_from(PROTECTIONS)), sizing=sizing)
    return BacktestRequest(text, markets, account=account)


@settings(deadline=None, max_examples=40)
@given(request=requests())
def test_passing_quiet_bars_changes_no_unit(request: BacktestRequest) -> None:
    fast, slow = run(request), run_bar_by_bar(request)

    assert fast.fingerprint == slow.fingerprint
    assert fast.fills == slow.fills
    assert fast.trades == slow.trades


@st.composite
def plain_requests(draw: st.DrawFn) -> BacktestRequest:
    """Accounts that trade by market orders and what guards these, up to what their margin bears and beyond."""
    symbols = draw(st.sampled_from([(BTC,), (BTC, ETH)]))
    options: dict[str, Any] = {
        "step": draw(st.sampled_from([0.3, 1.0, 4.0])),
        "mark": draw(st.booleans()),
        "funding": draw(st.booleans()),
        "missing": draw(st.sampled_from([0.0, 0.2])),
        "lot": draw(st.sampled_from(["0.001", "0.00000001"])),
    }
    seed = draw(st.integers(0, 2**32 - 2))
    markets = tuple(market(symbol, seed + n, 250, **options) for n, symbol in enumerate(symbols))
    account = AccountSettings(
        capital=Decimal(10_000),
        leverage=draw(st.sampled_from([1, 5, 20])),
        margin_mode=draw(st.sampled_from(MarginMode)),
        slippage_bps=draw(st.sampled_from([Decimal(0), Decimal("1.5"), Decimal(30)])),
        taker_fee=draw(st.sampled_from([None, Decimal(0), Decimal("0.01")])),
    )
    protect = draw(st.sampled_from(PROTECTIONS))
    risks = ["risk_per_trade: 0.02", "risk_per_trade: 0.31, max_leverage: 3"] if "stop_loss" in protect else []
    sizing = draw(
        st.sampled_from(
            [
                *risks,
                "fraction_of_equity: 0.5",
                "fraction_of_equity: 0.4871",
                "fraction_of_equity: 0.97",
                "fraction_of_equity: 4.6",
                "fraction_of_equity: 12",
                "fixed_qty: 40",
                "fixed_qty: 0.0017",
                "fixed_notional: 25000",
                "fixed_notional: 333",
                "fraction_of_equity: 3, max_leverage: 1.2",
            ]
        )
    )
    return BacktestRequest(strategy(symbols, protect=protect, sizing=sizing), markets, account=account)


@settings(deadline=None, max_examples=150)
@given(request=plain_requests())
def test_trading_plain_bars_in_the_compiled_loop_changes_no_unit(request: BacktestRequest) -> None:
    fast, slow = run(request), run_bar_by_bar(request)

    assert fast.fingerprint == slow.fingerprint
    assert fast.fills == slow.fills
    assert fast.funding == slow.funding
    assert fast.trades == slow.trades


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


def _head(item: Any, before_us: int) -> Any:
    kept = item.open_time_us < before_us
    columns = {name: getattr(item, name)[kept] for name in ("open_time_us", "open", "high", "low", "close", "volume")}
    marks = item.mark
    if marks is not None:
        marks = type(marks)(*(getattr(marks, name)[kept] for name in ("open", "high", "low", "close")))
    rates = None if item.funding_rate is None else item.funding_rate[kept]
    return replace(item, **columns, mark=marks, funding_rate=rates)


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


def test_few_bars_need_the_exchange_when_nothing_happens() -> None:
    still = market(BTC, 1, 5_000, step=0.0)
    request = BacktestRequest(strategy((BTC,)), (still,))

    assert run(request).fills == ()


@pytest.mark.parametrize("lot", ["0.001", "0.00000001"])
def test_few_bars_need_the_exchange_when_market_orders_fill(lot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    step = SimulatedExchange.step

    def counted(exchange: SimulatedExchange, time_us: int, *rest: Any) -> Any:
        seen.append(time_us)
        return step(exchange, time_us, *rest)

    monkeypatch.setattr(SimulatedExchange, "step", counted)
    fills = run(BacktestRequest(strategy((BTC,)), (market(BTC, 1, 2_000, lot=lot),))).fills

    assert len(fills) > 200
    assert len(seen) < len(fills) / 20


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

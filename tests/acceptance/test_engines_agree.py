"""One strategy file, two ways to run it: the futures simulation and the services end with one fingerprint."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewire.app.replay_engines.engines import ReplayEngine
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.parity import certify
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ingest.adapters.instruments_file import read_instruments
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode, MarketHistory
from tradewire.ports.events import RiskLimitsChanged
from tradewire.testkit.cold_requests import without_earlier
from tradewire.trading.language import compile_strategy, parse_strategy

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data/sample"
SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", ROOT.parent / "shared" / "data"))
HOURLY = ("donchian-breakout-btc", "ema-cross-btc", "rsi-reversion-btc")
DAILY = ("band-reversion-daily", "trend-daily")
HOURLY_BARS = 2_500


def market(venue: str, symbol: str, interval: str, bars: int | None = None) -> MarketHistory:
    """A market of the sample data."""
    frame = pl.read_csv(SAMPLE / f"{venue}-{symbol}-{interval}.csv").head(bars or 10**9)
    (instrument,) = (
        item for item in read_instruments(SAMPLE / "instruments.yaml") if (item.venue, item.symbol) == (venue, symbol)
    )
    columns: dict[str, Any] = {
        name: frame[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")
    }
    return MarketHistory(instrument, interval, frame["open_time"].to_numpy() * 1_000, **columns)


def request(name: str, account: AccountSettings | None = None) -> BacktestRequest:
    """A sample strategy on the sample data that it is made for."""
    if name in HOURLY:
        markets = [market("coinbase", "BTCUSD", "1h", HOURLY_BARS)]
    else:
        markets = [market("bitstamp", symbol, "1d") for symbol in ("BTCUSD", "ETHUSD", "LTCUSD")]
    return BacktestRequest(
        (ROOT / f"strategies/{name}.yaml").read_text(), tuple(markets), account=account or AccountSettings()
    )


def agree(asked: BacktestRequest) -> None:
    """Both engines trade, and say the same to the last unit."""
    futures, replay = FuturesEngine().run(asked), ReplayEngine().run(asked)
    certificate = certify([futures, replay])

    assert certificate.agreements[0].divergence is None
    assert futures.fingerprint == replay.fingerprint
    assert len(futures.trades) == len(replay.trades) > 0
    assert futures.activity == replay.activity


@pytest.mark.parametrize("name", [*HOURLY, *DAILY])
def test_futures_simulation_and_services_agree_on_every_sample_strategy(name: str) -> None:
    agree(request(name))


@pytest.mark.parametrize("distance", ["close - mean", "log(close - open)", "1000 * sqrt(close - mean)"])
def test_exits_act_in_every_engine_whatever_the_distances_are(distance: str) -> None:
    rules = "indicators: {mean: 'sma(close, 50)'}\nentry_long: close > mean\nexit_long: close < mean\n"
    head = "id: leaves\nvenue: coinbase\naccount: main\nsymbols: [BTCUSD]\ninterval: 1h\n"
    text = f"{head}{rules}sizing: {{fraction_of_equity: 0.5}}\nprotect: {{take_profit: '{distance}'}}\n"
    asked = BacktestRequest(text, (market("coinbase", "BTCUSD", "1h", 600),), account=AccountSettings())

    agree(asked)
    futures, vectorized = FuturesEngine().run(asked), VectorizedEngine().run(asked)
    assert futures.trades == vectorized.trades
    assert futures.activity == vectorized.activity
    assert sum(fill.leg == "EXIT" for fill in futures.fills) > 5


def test_they_agree_when_limits_bind_and_margin_is_isolated() -> None:
    limits = RiskLimitsChanged(
        account_id="alpha",
        version=1,
        max_gross_exposure=Decimal(220_000),
        max_net_exposure=Decimal(140_000),
        max_concentration_ratio=Decimal("0.6"),
        max_drawdown_ratio=Decimal("0.22"),
        author="sample",
        changed_at_us=0,
    )
    account = AccountSettings(
        capital=Decimal(50_000),
        leverage=3,
        margin_mode=MarginMode.ISOLATED,
        slippage_bps=Decimal("2.5"),
        taker_fee=Decimal("0.0004"),
        volume_share=Decimal("0.02"),
        limits=limits,
    )

    agree(request("trend-daily", account))


recorded = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)
CROSSING = """\
id: crossing
venue: binance
account: main
symbols: [{symbols}]
interval: {interval}
indicators: {{fast: 'ema(close, 12)', slow: 'ema(close, 26)', range: atr(14)}}
entry_long:  crossed_above(fast, slow)
exit_long:   crossed_below(fast, slow)
entry_short: crossed_below(fast, slow)
exit_short:  crossed_above(fast, slow)
sizing: {{fraction_of_equity: 1.5}}
protect: {{stop_loss: 4 * range, trailing_stop: 6 * range}}
"""


def futures_request(
    symbols: tuple[str, ...], interval: str, span: str, first: str, last: str, *, marks: bool
) -> BacktestRequest:
    """Recorded USDⓈ-M candles with funding, real brackets, and marks where there are any of the interval."""
    text = CROSSING.format(symbols=", ".join(symbols), interval=interval)
    files = MarketFiles(
        data=[f"{symbol}={SHARED}/ohlcv/{symbol}-um-{interval}.parquet" for symbol in symbols],
        mark=[f"{symbol}={SHARED}/mark/{symbol}-um-{interval}.parquet" for symbol in symbols] if marks else (),
        funding=[f"{symbol}={SHARED}/funding/{symbol}-um-{span}.parquet" for symbol in symbols],
        brackets=SHARED / "rest/leverage_brackets_2024-10.json",
    )
    begin, end = (int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**6 for day in (first, last))
    markets = load_markets(compile_strategy(parse_strategy(text)), files, start_us=begin, end_us=end)
    return without_earlier(BacktestRequest(text, markets))


@recorded
def test_they_agree_on_recorded_futures_with_marks_and_funding() -> None:
    asked = futures_request(("BTCUSDT", "ETHUSDT"), "1h", "2023-2024", "2023-08-10", "2023-10-10", marks=True)

    agree(asked)

    result = FuturesEngine().run(asked)
    settled = [market.funding_rate for market in asked.markets if market.funding_rate is not None]
    assert sum(int((rates != 0).sum()) for rates in settled) == 2 * 61 * 3
    assert result.funding


@recorded
def test_they_agree_on_minutes_of_three_futures_with_funding() -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")

    agree(futures_request(symbols, "1m", "2025H1", "2025-05-10", "2025-05-11", marks=False))


@recorded
def test_they_agree_when_a_crash_liquidates() -> None:
    text = """\
id: always-long
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
entry_long: close > 0
exit_long: close < 0
sizing: {fraction_of_equity: 15}
"""
    asked = futures_request(("BTCUSDT",), "1h", "2023-2024", "2023-08-10", "2023-08-25", marks=True)
    asked = replace(asked, strategy=text, account=AccountSettings(leverage=20))

    agree(asked)

    assert any(fill.leg == "LIQUIDATION" for fill in FuturesEngine().run(asked).fills)

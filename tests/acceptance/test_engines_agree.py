"""One strategy file, two ways to run it: the futures simulation and the services end with one fingerprint."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tradewire.app.replay_engines.engines import ReplayEngine
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.parity import certify
from tradewire.ingest.adapters.instruments_file import read_instruments
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode, MarketHistory
from tradewire.ports.events import RiskLimitsChanged

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data/sample"
HOURLY = ("donchian-breakout-btc", "ema-cross-btc", "rsi-reversion-btc")
DAILY = ("band-reversion-daily", "trend-daily")
HOURLY_BARS = 2_500


def market(venue: str, symbol: str, interval: str, bars: int | None = None) -> MarketHistory:
    """A market of the sample data."""
    frame = pl.read_csv(SAMPLE / f"{venue}-{symbol}-{interval}.csv").head(bars or 10**9)
    (instrument,) = (
        item for item in read_instruments(SAMPLE / "instruments.yaml") if (item.venue, item.symbol) == (venue, symbol)
    )
    columns = [frame[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")]
    return MarketHistory(instrument, interval, frame["open_time"].to_numpy() * 1_000, *columns)


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


@pytest.mark.parametrize("name", [*HOURLY, *DAILY])
def test_futures_simulation_and_services_agree_on_every_sample_strategy(name: str) -> None:
    agree(request(name))


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

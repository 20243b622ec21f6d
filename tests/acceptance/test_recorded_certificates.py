"""Every sample strategy on recorded futures: engines agree, or the certificate says what one of them leaves out."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradewire.app.replay_engines.engines import ReplayEngine
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.parity import Certificate, certify
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest
from tradewire.testkit.cold_requests import without_earlier
from tradewire.trading.language import compile_strategy, parse_strategy

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", ROOT.parent / "shared" / "data"))
STRATEGIES = sorted(path.stem for path in (ROOT / "strategies").glob("*.yaml"))
LONGER = {"1h": {}, "1m": {"interval=4h": "interval=3m", "interval=1d": "interval=5m", "interval=1w": "interval=15m"}}
"""Longer timeframes of the strategies, moved to those of minutes."""
ROOMY = AccountSettings(leverage=10)
"""Margin enough for the strategies: the vectorized engine does not model it."""
pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)


def recorded(name: str, symbols: tuple[str, ...], interval: str, begin: str, end: str) -> BacktestRequest:
    """A sample strategy moved to recorded markets, with their funding, brackets and, of hours, marks."""
    text = (ROOT / f"strategies/{name}.yaml").read_text()
    moved = {"venue": "binance", "symbols": f"[{', '.join(symbols)}]", "interval": interval}
    for key, value in moved.items():
        text = re.sub(rf"^{key}: .*", f"{key}: {value}", text, flags=re.MULTILINE)
    for old, new in LONGER[interval].items():
        text = text.replace(old, new)
    span = {"1h": "2023-2024", "1m": "2025H1"}[interval]
    files = MarketFiles(
        data=[f"{symbol}={SHARED}/ohlcv/{symbol}-um-{interval}.parquet" for symbol in symbols],
        mark=[f"{symbol}={SHARED}/mark/{symbol}-um-1h.parquet" for symbol in symbols] if interval == "1h" else (),
        funding=[f"{symbol}={SHARED}/funding/{symbol}-um-{span}.parquet" for symbol in symbols],
        brackets=SHARED / "rest/leverage_brackets_2024-10.json",
    )
    start_us, end_us = (
        int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**6 for day in (begin, end)
    )
    markets = load_markets(compile_strategy(parse_strategy(text)), files, start_us=start_us, end_us=end_us)
    return without_earlier(BacktestRequest(text, markets, account=ROOMY))


def certified(asked: BacktestRequest, *engines: type[BacktestPort]) -> Certificate:
    """The certificate, of runs that trade and are paid funding."""
    results = [engine().run(asked) for engine in engines]
    assert len(results[0].fills) > 10
    return certify(results)


@pytest.mark.parametrize("name", STRATEGIES)
def test_vectorized_and_futures_agree_on_months_of_hours_of_three_markets_with_marks_and_funding(name: str) -> None:
    asked = recorded(name, ("BTCUSDT", "ETHUSDT", "XRPUSDT"), "1h", "2023-03-01", "2023-10-01")

    certificate = certified(asked, FuturesEngine, VectorizedEngine)

    assert [agreement.divergence for agreement in certificate.agreements] == [None]


@pytest.mark.parametrize("name", STRATEGIES)
def test_all_engines_agree_on_hours_of_minutes_of_three_markets(name: str) -> None:
    asked = recorded(name, ("BTCUSDT", "ETHUSDT", "SOLUSDT"), "1m", "2025-05-10T12:00", "2025-05-10T20:00")

    certificate = certified(asked, FuturesEngine, VectorizedEngine, ReplayEngine)

    assert [agreement.divergence for agreement in certificate.agreements] == [None, None]


def test_certificate_names_the_margin_that_one_engine_leaves_out() -> None:
    asked = recorded("ema-cross-btc", ("BTCUSDT", "ETHUSDT", "XRPUSDT"), "1h", "2023-01-01", "2023-09-20")

    (agreement,) = certified(replace(asked, account=AccountSettings()), FuturesEngine, VectorizedEngine).agreements

    assert agreement.divergence is not None
    assert agreement.divergence.what == "fill of XRPUSDT ENTRY"
    assert "futures has no margin for it" in agreement.divergence.cause

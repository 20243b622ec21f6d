"""A real run on the sample data: hourly bitcoin through a crossing of averages with stops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.statistics import Statistics, statistics_of
from tradewire.ports.backtest import BacktestRequest, BacktestResult, MarketHistory
from tradewire.ports.events import InstrumentChanged

ROOT = Path(__file__).parents[4]
BARS = 3000


@dataclass(frozen=True)
class Run:
    """A result with what it was made of."""

    strategy: str
    market: MarketHistory
    result: BacktestResult

    @property
    def stats(self) -> Statistics:
        return statistics_of(self.result, [self.market])


def sample_market(bars: int) -> MarketHistory:
    listed = yaml.safe_load((ROOT / "data/sample/instruments.yaml").read_text())["instruments"]
    entry = next(item for item in listed if (item["venue"], item["symbol"]) == ("coinbase", "BTCUSD"))
    frame = pl.read_csv(ROOT / "data/sample/coinbase-BTCUSD-1h.csv").head(bars)
    columns: dict[str, Any] = {
        name: frame[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close", "volume")
    }
    instrument = InstrumentChanged.model_validate(entry)
    times = frame["open_time"].to_numpy().astype(np.int64) * 1000
    settled = np.where(times // 3_600_000_000 % 8 == 7, 0.0001, 0.0)  # 1 bp at 0, 8 and 16 o'clock
    return MarketHistory(instrument=instrument, interval="1h", open_time_us=times, **columns, funding_rate=settled)


@pytest.fixture(scope="session")
def run() -> Run:
    strategy = (ROOT / "strategies/ema-cross-btc.yaml").read_text()
    market = sample_market(BARS)
    result = FuturesEngine().run(BacktestRequest(strategy, (market,)))
    return Run(strategy, market, result)

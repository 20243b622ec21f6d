"""Recorded funding of a held BTC position, against the sum of quantity × mark × rate worked out by hand."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewire.ports.events import CandleClosed
from tradewire.testkit.builders import BTC, HOUR_US, assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, states, told

SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
QTY = Decimal("0.25")
BARS = 30 * 24
PRICES = ("open", "high", "low", "close")
LAST_DIGIT = Decimal("0.00000001")


def recorded() -> list[CandleClosed]:
    """The first hours of 2023 with marks and funding, which the venue settles some ms after a bar closes."""
    candles = pl.read_parquet(SHARED / "ohlcv/BTCUSDT-um-1h.parquet").head(BARS)
    marks = pl.read_parquet(SHARED / "mark/BTCUSDT-um-1h.parquet").head(BARS)
    settled = pl.read_parquet(SHARED / "funding/BTCUSDT-um-2023-2024.parquet")
    rates = {round(time / 3_600_000): rate for time, rate in settled.iter_rows()}
    bars = []
    for row, mark in zip(candles.iter_rows(named=True), marks.iter_rows(named=True), strict=True):
        hour = row["open_time"] // 3_600_000
        told: dict[str, Any] = {name: Decimal(repr(row[name])) for name in PRICES}
        told |= {f"mark_{name}": Decimal(repr(mark[name])) for name in PRICES}
        rate = rates.get(hour + 1)
        bars.append(candle(hour, **told, funding_rate=None if rate is None else Decimal(repr(rate))))
    return bars


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)
def test_position_when_held_over_recorded_settlements_then_pays_quantity_times_mark_times_rate() -> None:
    bars = recorded()
    desk = desk_with(BTC)
    first, found = bars[0].open_time_us // HOUR_US, []
    for number, bar in enumerate(bars):
        orders = [intent(qty=QTY)] if number == 0 else []
        found += states(told(desk, bar, assessment(first + number, *orders)))

    by_hand = [
        QTY * bar.mark_close * bar.funding_rate
        for bar in bars[1:]
        if bar.mark_close is not None and bar.funding_rate is not None
    ]
    assert len(found) == len(bars)
    assert len(by_hand) == 30 * 3
    assert abs(found[-1].funding_paid - sum(by_hand)) <= len(by_hand) * LAST_DIGIT
    assert found[-1].funding_paid > 1

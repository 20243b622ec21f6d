"""Bars and indicator values for charts: columns within one bound, shared by all series."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import isnan
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.telemetry.adapters.api.chart import ChartRoutes
from tradewire.telemetry.adapters.api.chart_models import CandleSelection
from tradewire.telemetry.domain.bar_history import BarHistory, ColumnSeries
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

HOUR_US = 3_600_000_000
KEY = ("binance", "BTCUSDT", "1h")
ASKED = dict(zip(("venue", "symbol", "interval"), KEY, strict=True))


class Chart:
    """A desk and the routes over its history."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.desk = messages, TelemetryDesk(Books())
        app = FastAPI()
        app.include_router(ChartRoutes(self.desk.history, self.desk.books).router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    def bar(self, hour: int, **other: Any) -> None:
        candle = self.messages.candle(open_time_us=(hour - 1) * HOUR_US, close_time_us=hour * HOUR_US, **other)
        self.desk.on_market(candle, self.messages.envelope(candle))

    def values(self, hour: int, **values: float | None) -> None:
        event = self.messages.indicators(hour * HOUR_US, dict(values))
        self.desk.on_market(event, self.messages.envelope(event))

    async def get(self, expected: int = 200, /, **asked: Any) -> Any:
        answer = await self.client.get("/candles", params=ASKED | asked)
        assert answer.status_code == expected, answer.text
        return answer.json()


@pytest.fixture
async def chart(messages: Messages) -> AsyncIterator[Chart]:
    chart = Chart(messages)
    yield chart
    await chart.client.aclose()


async def test_candles_when_values_came_for_some_bars_then_null_for_the_others(chart: Chart) -> None:
    chart.values(2, fast=1.5, slow=None)  # topics are not read in one order: values may be ahead of their bar
    for hour in (1, 2, 3):
        chart.bar(hour, close=str(100 + hour), volume="7.5")
    chart.values(3, fast=2.5, slow=9.0)
    shown = await chart.get()
    assert shown["time_us"] == [HOUR_US, 2 * HOUR_US, 3 * HOUR_US]
    assert (shown["close"], shown["volume"], shown["interval_us"]) == ([101.0, 102.0, 103.0], [7.5] * 3, HOUR_US)
    assert shown["values"] == {"fast": [None, 1.5, 2.5], "slow": [None, None, 9.0]}
    assert (shown["next"], shown["kept_from_us"], shown["dropped"]) == (None, HOUR_US, False)
    assert (await chart.get(indicator=["slow", "none"]))["values"] == {"slow": [None, None, 9.0], "none": [None] * 3}


async def test_candles_when_paged_then_each_bar_once_newest_page_first(chart: Chart) -> None:
    for hour in range(1, 26):
        chart.bar(hour)
    found: list[int] = []
    after: dict[str, str] = {}
    while True:
        shown = await chart.get(limit=7, from_us=3 * HOUR_US, to_us=24 * HOUR_US, **after)
        found = shown["time_us"] + found
        if shown["next"] is None:
            break
        after = {"after": shown["next"]}
    assert found == [hour * HOUR_US for hour in range(3, 24)]


async def test_candles_when_a_bar_is_repeated_or_late_then_each_time_once_with_its_newest(chart: Chart) -> None:
    chart.bar(1, close="1")
    chart.bar(2, close="2")
    chart.bar(2, close="3")
    chart.bar(1, close="9")
    assert (await chart.get())["close"] == [1.0, 3.0]


async def test_candles_when_asked_wrongly_then_says_what_there_is(chart: Chart) -> None:
    chart.bar(1)
    missing = await chart.get(404, interval="5m")
    assert missing == {"detail": "no bars of binance BTCUSDT 5m in memory; there are: binance BTCUSDT 1h"}
    for wrong in ({"limit": 0}, {"limit": 20_001}, {"after": "nonsense"}, {"after": "9" * 30}):
        await chart.get(422, **wrong)


async def test_candles_when_older_ones_were_dropped_then_said(messages: Messages) -> None:
    history = BarHistory(bars_max=8)
    for hour in range(1, 12):
        candle = messages.candle(close_time_us=hour * HOUR_US)
        history.take(candle, 0)
    shown = await ChartRoutes(history, Books()).candles(CandleSelection(**ASKED))
    assert (shown.dropped, shown.kept_from_us, shown.time_us[-1]) == (True, shown.time_us[0], 11 * HOUR_US)
    assert len(shown.time_us) <= 8


def test_forget_when_a_partition_leaves_then_its_series_go(messages: Messages) -> None:
    history = BarHistory()
    history.take(messages.candle(), 0)
    history.take(messages.candle(symbol="ETHUSDT"), 1)
    history.take(messages.indicators(1, {"fast": 1.0}), 0)
    history.forget([0])
    assert (list(history.bars), list(history.values)) == ([("binance", "ETHUSDT", "1h")], [])


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.sampled_from("abc")), max_size=300))
def test_put_when_anything_comes_then_within_the_bound_and_columns_are_equally_long(
    rows: list[tuple[int, int, str]],
) -> None:
    history = BarHistory(bars_max=20, numbers_max=200)
    newest: dict[str, int] = {}
    for series, time_us, name in rows:
        key = ("v", str(series), "1h")
        history._put(history.values, key, 0, time_us, {name: float(time_us)})
        newest[str(series)] = max(newest.get(str(series), 0), time_us)
        assert sum(one.numbers for one in history.values.values()) <= 200
    for (_, symbol, _), one in history.values.items():
        assert {len(column) for column in one.columns.values()} <= {len(one)}
        assert list(one.times_us) == sorted(set(one.times_us))
        assert one.times_us[-1] == newest[symbol]


def test_at_when_a_time_has_no_row_then_none() -> None:
    series = ColumnSeries(0)
    series.put(5, {"a": 1.0})
    series.put(7, {"b": 2.0})
    assert series.at(6) is None
    assert series.at(8) is None
    row = series.at(7)
    assert row is not None
    assert (isnan(row["a"]), row["b"]) == (True, 2.0)

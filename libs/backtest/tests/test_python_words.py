"""Python takes what the commands take, or says what it found and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

import tradewire.backtest as tb
from tradewire.backtest.data import MarketDataError

DAYS = pd.date_range("2024-01-01", periods=40, tz="UTC")
TEXT = """
id: x
venue: binance
account: main
symbols: [XUSDT]
interval: 1d
entry_long: close > sma(close, n)
exit_long: close < sma(close, n)
sizing: {fraction_of_equity: 3}
params: {n: {default: 3, low: 2, high: 5, step: 1}}
"""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    closes = [100.0 + day % 7 for day in range(len(DAYS))]
    columns = {"open": closes, "high": closes, "low": closes, "close": closes, "volume": [10.0] * len(DAYS)}
    return pd.DataFrame(columns, index=DAYS)


@pytest.mark.parametrize("limits", [["max_leverage=1"], "max_leverage=1", {"max_leverage": 1}])
def test_limits_and_parameters_are_taken_as_texts_too(frame: pd.DataFrame, limits: Any) -> None:
    run = tb.run(TEXT, frame, limits=limits, params=["n=4"])
    assert run.fingerprint == tb.run(TEXT, frame, limits={"max_leverage": "1"}, params={"n": 4}).fingerprint
    assert run.fingerprint != tb.run(TEXT, frame, limits=["max_leverage=none"], params="n=4").fingerprint


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"limits": 5}, "limits: found 5, allowed a mapping of names to numbers, or texts as 'name=1'"),
        ({"limits": ["max_leverage"]}, "limits: found 'max_leverage', allowed a mapping"),
        ({"params": [3]}, "params: found 3, allowed a mapping"),
        ({"params": {"n": None}}, "params: n: found None, allowed a number"),
        ({"mark": [1, 2]}, "mark: found 1 in a list, allowed paths"),
        ({"mark": 5}, "mark: found int, allowed a pandas or polars frame"),
    ],
)
def test_what_is_neither_is_refused_in_words(frame: pd.DataFrame, asked: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        tb.run(TEXT, frame, **asked)
    assert told in str(refused.value)


def test_a_list_of_what_is_no_path_is_refused(frame: pd.DataFrame) -> None:
    for data, told in (([1, 2], "data: found 1 in a list"), ([frame], "data: found a frame in a list")):
        with pytest.raises(ValueError, match=told):
            tb.run(TEXT, data)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"space": [5]}, "space: found"),
        ({"space": {"n": [2, 3]}}, "space: found"),
        ({"holdout": "a"}, "holdout: found 'a', allowed float"),
        ({"trials": 2.5}, "trials: found 2.5, allowed int"),
        ({"anchored": 1}, "anchored: found 1, allowed bool"),
    ],
)
def test_a_search_takes_settings_of_their_type(frame: pd.DataFrame, asked: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        tb.sweep(TEXT, frame, **asked)
    assert told in str(refused.value)


def test_engines_are_compared_as_the_command_names_them(frame: pd.DataFrame) -> None:
    assert tb.compare(TEXT, frame, engines="futures, vectorized").clean


def test_a_volume_that_is_none_is_told_by_its_reason(frame: pd.DataFrame) -> None:
    odd = frame.assign(volume=True)
    run = tb.run(TEXT, odd)
    assert any("column volume has values of type Boolean" in remark for remark in run.remarks)
    with pytest.raises(
        MarketDataError, match="column volume has values of type Boolean, allowed a volume in every row"
    ):
        tb.run(TEXT.replace("close < sma", "volume < sma"), odd)


def test_a_column_of_prices_that_are_none_is_told_by_its_reason(frame: pd.DataFrame) -> None:
    with pytest.raises(MarketDataError, match="close: found values of type Boolean"):
        tb.run(TEXT, frame.assign(close=True))

"""The files of a run: exact, complete, and read back as written."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.backtest.digits import plain
from tradewire.backtest.report import data_hash, provenance_of, result_document, write_run
from tradewire.backtest.report.files import e8_text, equity_frame
from tradewire.ports.backtest import BacktestFill

READY = {"BTCUSD": 1_500_000_000_000_000, "ETHUSD": None}


@pytest.fixture(scope="module")
def written(run: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    provenance = provenance_of(run.result, [run.market], rerun=["tradewire", "backtest", "s.yaml"])
    return write_run(tmp_path_factory.mktemp("run") / "new", run.result, run.stats, provenance, READY, [run.market])


def test_parquet_holds_trades_fills_and_equity_to_the_last_unit(run: Any, written: dict[str, Path]) -> None:
    trades, fills, equity = (pl.read_parquet(written[name]) for name in ("trades", "fills", "equity"))

    assert trades["pnl"].to_list() == [float(trade.pnl) for trade in run.result.trades]
    assert [round(Decimal(pnl), 8) for pnl in trades["pnl"]] == [trade.pnl for trade in run.result.trades]
    assert [int(t.timestamp()) for t in trades["entry_time"]] == [t.entry_time_us // 10**6 for t in run.result.trades]
    names = [field.name for field in fields(BacktestFill) if field.name != "time_us"]
    rows = [[getattr(fill, name) for name in names] for fill in run.result.fills]
    assert fills.select(names).rows() == [
        tuple(float(value) if isinstance(value, Decimal) else value for value in row) for row in rows
    ]
    assert [round(value * 10**8) for value in equity["equity"]] == run.result.equity_e8.tolist()
    assert [round(value * 10**8) for value in equity["position_BTCUSD"]] == run.result.position_e8["BTCUSD"].tolist()
    assert equity["time"].dt.timestamp("us").to_list() == run.result.time_us.tolist()
    assert trades["pnl_e8"].to_list() == [int(trade.pnl * 10**8) for trade in run.result.trades]
    assert fills["price_e8"].to_list() == [int(fill.price * 10**8) for fill in run.result.fills]
    assert equity["equity_e8"].to_list() == run.result.equity_e8.tolist()
    assert equity["position_BTCUSD_e8"].to_list() == run.result.position_e8["BTCUSD"].tolist()


def test_units_of_a_large_account_add_up_where_floats_do_not(run: Any) -> None:
    large = replace(
        run.result,
        equity_e8=np.array([4_000_000_000_123_456_789, 1], dtype=np.int64),
        time_us=np.arange(2),
        position_e8={},
    )

    frame = equity_frame(large)

    assert frame["equity_e8"].to_list() == [4_000_000_000_123_456_789, 1]
    assert round(Decimal(frame["equity"][0]) * 10**8) != 4_000_000_000_123_456_789


def test_pandas_reads_numbers_as_numbers_and_times_as_times(written: dict[str, Path]) -> None:
    for name in ("trades", "fills", "equity"):
        table = pd.read_parquet(written[name])
        kinds = {column: table[column].dtype.kind for column in table}
        words = {"symbol", "side", "client_order_id", "leg", "liquidity", "entry_reason", "exit_reason"}
        assert {column for column, kind in kinds.items() if kind not in "fiM"} == words.intersection(kinds)
    assert pd.read_parquet(written["trades"])["fees"].sum() > 0


def test_result_document_has_the_keys_that_other_tools_read(run: Any, written: dict[str, Path]) -> None:
    document = json.loads(written["result"].read_text())

    keys = "fingerprint engine strategy settings ready_from_ms ruined_at_ms activity stats trades equity"
    assert list(document) == keys.split()
    assert document["ready_from_ms"] == {"BTCUSD": 1_500_000_000_000, "ETHUSD": None}
    assert set(document["trades"][0]) == {
        *("symbol", "side", "qty", "entry_time_ms", "exit_time_ms", "entry_price", "exit_price"),
        *("fees", "funding", "pnl", "slippage", "entry_reason", "exit_reason", "bars", "held_ms"),
        *("return_ratio", "mae_ratio", "mfe_ratio"),
    }
    assert document["fingerprint"] == run.result.fingerprint
    assert Decimal(document["trades"][0]["pnl"]) == run.result.trades[0].pnl
    days = [(time_ms - 1) // 86_400_000 for time_ms, _ in document["equity"]]
    assert days[1:] == sorted(set(days)), "one entry a day, and the first close"
    assert document["equity"][0] == [run.result.time_us[0] // 1000, e8_text(int(run.result.equity_e8[0]))]
    assert document["equity"][-1] == [run.result.time_us[-1] // 1000, e8_text(int(run.result.equity_e8[-1]))]
    assert document["stats"] == run.stats.to_json()
    assert document == result_document(run.result, run.stats, READY, [run.market])


def test_provenance_tells_how_to_run_again(run: Any, written: dict[str, Path]) -> None:
    found = json.loads(written["provenance"].read_text())

    assert found["rerun"] == ["tradewire", "backtest", "s.yaml"]
    assert found["strategy_hash"] == run.result.strategy_hash
    assert found["data_hash"] == data_hash([run.market])
    assert found["settings"]["capital"] == "100000"
    assert found["libraries"]["numpy"] == np.__version__


def test_a_run_replaces_the_files_of_an_earlier_one_and_leaves_no_parts(run: Any, tmp_path: Path) -> None:
    provenance = provenance_of(run.result, [run.market])
    for result in (run.result, replace(run.result, trades=())):
        paths = write_run(tmp_path, result, run.stats, provenance, READY, [run.market])

    assert pl.read_parquet(paths["trades"]).height == 0
    assert sorted(tmp_path.iterdir()) == sorted(paths.values())


def test_data_hash_changes_with_any_value_and_not_with_the_order_of_markets(run: Any) -> None:
    changed = run.market.close.copy()
    changed[7] += 0.01
    other = replace(run.market, close=changed)

    assert data_hash([run.market]) != data_hash([other])
    assert data_hash([run.market]) != data_hash([replace(run.market, funding_rate=None)])
    second = replace(run.market, instrument=run.market.instrument.model_copy(update={"symbol": "ETHUSD"}))
    assert data_hash([run.market, second]) == data_hash([second, run.market])


@given(st.integers(-(10**18), 10**18))
def test_text_of_money_is_exact_and_plain(value: int) -> None:
    text = e8_text(value)

    assert Decimal(text) == Decimal(value).scaleb(-8)
    assert text == plain(Decimal(value).scaleb(-8))

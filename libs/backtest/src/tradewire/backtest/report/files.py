"""The files of a run: trades, fills and equity as Parquet, the result and its provenance as JSON.

Money, prices and quantities stand twice in Parquet, as numbers that every reader computes with at once: the nearest
float64 and, as ``…_e8``, the exact amount as an int64 of 1e-8 units. Parquet's own decimals reach pandas as objects,
not as numbers. In JSON they are strings, exact.
Times are Datetime columns of µs in UTC in Parquet, and milliseconds since the epoch in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from errno import EEXIST
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tradewire.backtest.data.writing import write_parquet
from tradewire.backtest.digits import plain
from tradewire.backtest.not_happened import entries_never_filled, orders_filled_in_parts
from tradewire.backtest.report.provenance import Provenance, settings_of
from tradewire.backtest.statistics import Statistics
from tradewire.backtest.statistics.sampling import DAY_US, IntArray
from tradewire.backtest.trade_measures import measures_of
from tradewire.backtest.whole_file import whole_file, write_whole
from tradewire.ports.backtest import BacktestFill, BacktestResult, MarketHistory, Trade
from tradewire.trading.exchange import to_e8

TIME = pl.Datetime("us", "UTC")
SCALE = 100_000_000
FILES = ("trades.parquet", "fills.parquet", "equity.parquet", "result.json", "report.html")
"""What a run's folder holds beside ``provenance.json``."""


Ready = Mapping[str, int | None]
"""By symbol, the close from which on the strategy could decide, µs UTC; None where it never could."""


def result_document(
    result: BacktestResult, stats: Statistics, ready: Ready, markets: Sequence[MarketHistory]
) -> dict[str, object]:
    """The machine-readable result: keys as other tools read them. Money as strings, times in ms, sides BUY and SELL.

    ``equity`` is the account's at the first close and at the last close of each UTC day; every close is in
    ``equity.parquet``. ``ready_from_ms`` is null for a symbol on which the strategy never could decide; a trade still
    open at the end has null for ``exit_time_ms``.
    """
    return {
        "fingerprint": result.fingerprint,
        "engine": result.engine,
        "strategy": result.strategy_id,
        "settings": settings_of(result),
        "ready_from_ms": {symbol: None if at is None else at // 1000 for symbol, at in ready.items()},
        "ruined_at_ms": ruined_at_ms(result),
        "activity": activity_document(result),
        "stats": stats.to_json(),
        "trades": [
            _trade(trade, *measures)
            for trade, *measures in zip(result.trades, *_measured(result, markets), strict=True)
        ],
        "equity": [
            [time_us // 1000, e8_text(value)]
            for time_us, value in zip(*(column.tolist() for column in _by_day(result)), strict=True)
        ],
    }


def _by_day(result: BacktestResult) -> tuple[IntArray, IntArray]:
    """Times and equity at the first close and the last of each UTC day; a close at midnight ends the day before."""
    days = (result.time_us - 1) // DAY_US
    last = np.ones(len(days), dtype=np.bool_)
    last[:-1] = days[1:] != days[:-1]
    last[:1] = True
    return result.time_us[last], result.equity_e8[last]


def ruined_at_ms(result: BacktestResult) -> int | None:
    """The first close at which nothing was left; None where there always was."""
    gone = np.flatnonzero(result.equity_e8 <= 0)
    return int(result.time_us[gone[0]]) // 1000 if len(gone) else None


def activity_document(result: BacktestResult) -> dict[str, object]:
    """What did not happen as JSON: fields of `Activity`, times in ms, and what the fills tell."""
    fields = asdict(result.activity)
    ended, waiting = fields.pop("data_ended_us"), fields.pop("waiting")
    fields["waiting"] = [
        {"symbol": one["symbol"], "leg": one["leg"], "qty": e8_text(one["qty_e8"]), "filled": e8_text(one["filled_e8"])}
        for one in waiting
    ]
    fields["entries_never_filled"] = entries_never_filled(result)
    fields["orders_filled_in_parts"] = orders_filled_in_parts(result)
    return {**fields, "data_ended_ms": {symbol: close_us // 1000 for symbol, close_us in ended.items()}}


def e8_text(value: int) -> str:
    """An integer of 1e-8 units as plain decimal digits."""
    whole, part = divmod(abs(value), SCALE)
    return ("-" if value < 0 else "") + str(whole) + (f".{part:08d}".rstrip("0") if part else "")


def _measured(result: BacktestResult, markets: Sequence[MarketHistory]) -> list[list[Any]]:
    return [column.tolist() for column in measures_of(result.trades, markets)]


def _trade(
    trade: Trade, bars: int, held_us: int, return_ratio: float, mae_ratio: float, mfe_ratio: float
) -> dict[str, object]:
    return {
        "symbol": trade.symbol,
        "side": str(trade.side),
        "qty": plain(trade.qty),
        "entry_time_ms": trade.entry_time_us // 1000,
        "exit_time_ms": None if trade.exit_time_us is None else trade.exit_time_us // 1000,
        "entry_price": plain(trade.entry_price),
        "exit_price": plain(trade.exit_price),
        "fees": plain(trade.fees),
        "funding": plain(trade.funding),
        "pnl": plain(trade.pnl),
        "slippage": plain(trade.slippage),
        "entry_reason": str(trade.entry_reason),
        "exit_reason": str(trade.exit_reason),
        "bars": bars,
        "held_ms": held_us // 1000,
        "return_ratio": return_ratio,
        "mae_ratio": mae_ratio,
        "mfe_ratio": mfe_ratio,
    }


def trades_frame(result: BacktestResult, markets: Sequence[MarketHistory]) -> pl.DataFrame:
    """The trades, a column a field of `Trade` and of `TradeMeasures`; amounts as floats and as units."""
    times = {"entry_time_us": "entry_time", "exit_time_us": "exit_time"}
    frame = _frame(result.trades, Trade, times, ("symbol", "side", "entry_reason", "exit_reason"))
    measures = measures_of(result.trades, markets)
    return frame.with_columns(pl.Series(name, column) for name, column in zip(measures._fields, measures, strict=True))


def fills_frame(result: BacktestResult) -> pl.DataFrame:
    """The fills, a column a field of `BacktestFill`; amounts as floats and as units."""
    words = ("symbol", "client_order_id", "leg", "side", "liquidity")
    return _frame(result.fills, BacktestFill, {"time_us": "time"}, words)


def equity_frame(result: BacktestResult) -> pl.DataFrame:
    """Equity and each symbol's signed position (``position_<symbol>``) at every close, as floats and as units."""
    amounts = {"equity": result.equity_e8, **{f"position_{s}": qty for s, qty in result.position_e8.items()}}
    units = [pl.Series(f"{name}_e8", values, dtype=pl.Int64) for name, values in amounts.items()]
    return pl.DataFrame([pl.Series("time", result.time_us, dtype=pl.Int64).cast(TIME), *_floats(units), *units])


def _floats(units: Sequence[pl.Series]) -> list[pl.Series]:
    """The amounts of columns of units, each the nearest float."""
    return [(column.cast(pl.Float64) / SCALE).alias(column.name.removesuffix("_e8")) for column in units]


def _frame(rows: Sequence[Any], kind: type[Any], times: Mapping[str, str], words: Sequence[str]) -> pl.DataFrame:
    series, units = [], []
    for field in fields(kind):
        values = [getattr(row, field.name) for row in rows]
        if field.name in times:
            series.append(pl.Series(times[field.name], values, dtype=pl.Int64).cast(TIME))
        elif field.name in words:
            series.append(pl.Series(field.name, [str(value) for value in values], dtype=pl.String))
        else:
            amounts = [to_e8(value) for value in values]
            series.append(pl.Series(field.name, [amount / SCALE for amount in amounts], dtype=pl.Float64))
            units.append(pl.Series(f"{field.name}_e8", amounts, dtype=pl.Int64))
    return pl.DataFrame([*series, *units])


def write_run(
    folder: Path,
    result: BacktestResult,
    stats: Statistics,
    provenance: Provenance,
    ready: Ready,
    markets: Sequence[MarketHistory],
) -> dict[str, Path]:
    """Write the files of a run into ``folder`` (made if missing); files of an earlier run there are replaced.

    Returns: path by name: trades, fills, equity (Parquet), result, provenance (JSON). Each file is whole or absent.
    Raises: OSError: FileExistsError for a file that no earlier run wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_own(folder)
    frames: dict[str, Callable[[], pl.DataFrame]] = {
        "trades": partial(trades_frame, result, markets),
        "fills": partial(fills_frame, result),
        "equity": partial(equity_frame, result),
    }
    written = {  # one at a time: together they take as much memory as the run
        name: _whole(folder / f"{name}.parquet", frame()) for name, frame in frames.items()
    }
    documents = {"result": result_document(result, stats, ready, markets), "provenance": provenance.to_json()}
    for name, document in documents.items():
        text = json.dumps(document, indent=None if name == "result" else 2, allow_nan=False, ensure_ascii=False)
        written[name] = folder / f"{name}.json"
        write_whole(written[name], text)
    return written


def _check_own(folder: Path) -> None:
    """Each run writes its provenance; beside none, files of the same names are someone else's."""
    if (folder / "provenance.json").exists():
        return
    for name in FILES:
        if (folder / name).exists():
            raise FileExistsError(EEXIST, "no earlier run wrote this file: choose another --out", str(folder / name))


def _whole(path: Path, frame: pl.DataFrame) -> Path:
    with whole_file(path) as part:
        write_parquet(frame, part)
    return path

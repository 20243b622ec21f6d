"""``tradewire indicator``: compute, compare, list and show indicators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from tradewire.app.cli.data import IntervalOption, inspected
from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import JsonOption, epilog, finite
from tradewire.app.cli.output import Exit, fail, out, print_json, tell
from tradewire.app.cli.reading import ZoneOption
from tradewire.backtest.data import Candles, MarketDataError, candles_of
from tradewire.backtest.data.indicator_series import compare, compute, library_of
from tradewire.backtest.data.writing import write_series
from tradewire.backtest.volume import reads_volume
from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator, IndicatorError, UnknownIndicator, indicator
from tradewire.trading.indicators.adapters.choice import Adapter
from tradewire.trading.language import StrategyErrors
from tradewire.trading.language.calls import usage

LAST_SHOWN = 10
app = typer.Typer(
    help="Compute, compare, list and show indicators.",
    no_args_is_help=True,
    epilog=epilog("tradewire indicator compute 'rsi(close, 14)' --data data/sample/coinbase-BTCUSD-1h.csv"),
)
ExpressionArgument = Annotated[str, typer.Argument(metavar="EXPR", help="A number of the language: 'rsi(close, 14)'.")]
DataOption = Annotated[Path, typer.Option("--data", help="Candles: CSV, Parquet or Feather, plain or packed.")]


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="indicator")


@app.command(
    "compute", epilog=epilog("tradewire indicator compute 'rsi(close, 14)' --data data/sample/coinbase-BTCUSD-1h.csv")
)
def compute_command(
    expression: ExpressionArgument,
    data: DataOption,
    adapter: Annotated[Adapter, typer.Option("--adapter", help="Who computes.")] = Adapter.NATIVE,
    stream: Annotated[bool, typer.Option("--stream", help="Bar by bar, as the services do.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write open_time (ms) and one column an output.")] = None,
    interval: IntervalOption = None,
    tz: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute an expression over candles; empty (CSV) or null (JSON) while it warms up."""
    if csv is not None and csv.exists() and csv.samefile(data):
        fail(f"--csv: found {csv}, the file that is read; allowed another one", Exit.USAGE)
    candles = _read(expression, data, interval, tz)
    try:
        series = compute(expression, candles, adapter, stream=stream)
    except StrategyErrors as error:
        fail(f"{expression}: {error}", Exit.USAGE)
    except (IndicatorError, ValueError) as error:
        fail(str(error))
    times = candles.open_time_us // 1000
    if csv is not None:
        write_series(candles.open_time_us, series, csv)
    if as_json:
        outputs = {name: _values(values) for name, values in series.items()}
        print_json({"expression": expression, "adapter": adapter, "open_time": times.tolist(), "outputs": outputs})
        return
    table = Table("open time", *series, box=None, pad_edge=False)
    for place in range(max(0, len(times) - LAST_SHOWN), len(times)):
        cells = ["" if np.isnan(values[place]) else f"{values[place]:.12g}" for values in series.values()]
        table.add_row(iso(int(times[place]) * 1000), *cells)
    out.print(table)
    known = {name: int(np.count_nonzero(~np.isnan(values))) for name, values in series.items()}
    tell(f"{len(times)} bars; values: " + ", ".join(f"{name} {count}" for name, count in known.items()))


@app.command(
    "compare", epilog=epilog("tradewire indicator compare 'ema(close, 20)' --data data/sample/coinbase-BTCUSD-1h.csv")
)
def compare_command(
    expression: ExpressionArgument,
    data: DataOption,
    tolerance: Annotated[
        float, typer.Option(min=0.0, callback=finite, help="Largest relative difference that counts as equal.")
    ] = 1e-9,
    interval: IntervalOption = None,
    tz: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute by every adapter and in both forms; name the largest difference and the first bar that differs."""
    candles = _read(expression, data, interval, tz)
    try:
        found = compare(expression, candles, tolerance)
    except StrategyErrors as error:
        fail(f"{expression}: {error}", Exit.USAGE)
    except IndicatorError as error:
        fail(str(error))
    if as_json:
        print_json({"expression": expression, "tolerance": tolerance, "ways": found})
    else:
        table = Table("beside native arrays", "output", "largest difference", "first bar that differs", box=None)
        for row in found:
            first = "none" if row.bar is None else f"{row.bar}, {iso((row.time_ms or 0) * 1000)}"
            table.add_row(row.way, row.output, row.refused or f"{row.largest:.3g}", "" if row.refused else first)
        out.print(table)
    if any(row.bar is not None for row in found):
        raise typer.Exit(Exit.REFUSED)


@app.command("list", epilog=epilog("tradewire indicator list"))
def list_command(as_json: JsonOption = False) -> None:
    """List every indicator with its call and the adapters that have it."""
    rows = [(usage(one), one.title, _adapters(one)) for _, one in sorted(INDICATORS.items())]
    if as_json:
        print_json([{"call": call, "title": title, "adapters": names} for call, title, names in rows])
        return
    table = Table("call", "title", "adapters", box=None, pad_edge=False)
    for call, title, names in rows:
        table.add_row(call, title, ", ".join(names))
    out.print(table)


@app.command(epilog=epilog("tradewire indicator show rsi"))
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in expressions: rsi.")], as_json: JsonOption = False
) -> None:
    """Show an indicator: formula, parameters, outputs, warm-up, source and adapters."""
    try:
        one = indicator(name)
    except UnknownIndicator as error:
        fail(str(error))
    described = {
        "call": usage(one),
        "title": one.title,
        "formula": one.formula,
        "reads": list(one.inputs),
        "params": one.params,
        "outputs": list(one.outputs),
        "warmup_bars": one.warmup(),
        "source": one.source,
        "adapters": _adapters(one),
    }
    if as_json:
        print_json(described)
        return
    for key, value in described.items():
        if key == "params":
            for p in one.params:
                kind = "whole number" if p.integer else "number"
                tell(f"  {p.name}: {kind} from {p.low:g} to {p.high:g}, default {p.default:g}")
        else:
            tell(f"{key.replace('_', ' '):12} {', '.join(value) if isinstance(value, list) else value}")


def _read(expression: str, data: Path, interval: str | None, tz: str | None) -> Candles:
    """The bars of a file, with volumes that can be used where the expression reads them. Raises MarketDataError."""
    found = inspected(data, interval, tz)
    candles = candles_of(found, str(data), any_volume=True)
    if candles.unfit_volume and _reads_volume(expression, candles.interval_us):
        allowed = f"a volume in every row, for `{expression}`"
        raise MarketDataError(str(data), field="volume", found=candles.unfit_volume, allowed=allowed)
    return candles


def _reads_volume(expression: str, interval_us: int) -> bool:
    try:
        return reads_volume(expression, interval_us)
    except StrategyErrors:
        return False  # what is wrong with it is told where it is computed


def _adapters(one: Indicator) -> list[str]:
    return [str(adapter) for adapter in Adapter if library_of(adapter).supports(one.name)]


def _values(values: FloatArray) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]

"""``tradewire data``: fetch, check, resample and describe candles."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.each_file import FileAnswers, answer_each
from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.options import JsonOption, epilog
from tradewire.app.cli.output import Exit, fail, out, print_json, say, tell
from tradewire.app.cli.reading import ZoneOption, reading_of
from tradewire.backtest.data import Candles, Gap, Inspection, candles_of, error_of, inspect_file
from tradewire.backtest.data.archives import Archives
from tradewire.backtest.data.candles import decimals_of
from tradewire.backtest.data.fetching import FetchKind, FetchSpan, History, fetch
from tradewire.backtest.data.writing import write_candles
from tradewire.runtime.clock import SystemClock
from tradewire.trading.language.intervals import INTERVALS_US

BINANCE = "binanceusdm"
"""ccxt's id of Binance USDⓈ-M futures."""
SHOWN = 20
"""Lines of each kind of finding that a person is shown; --json has them all."""
WRITTEN = (".csv", ".parquet")
"""Forms of files of candles."""
app = typer.Typer(
    help="Fetch, check, resample and describe candles.",
    no_args_is_help=True,
    epilog=epilog("tradewire data check data/sample/coinbase-BTCUSD-1h.csv"),
)
FileArgument = Annotated[Path, typer.Argument(help="Candles: CSV, Parquet or Feather, plain or packed.")]
FilesArgument = Annotated[
    list[Path], typer.Argument(help="Candles, a file or several: CSV, Parquet or Feather, plain or packed.")
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", help="Of the candles, e.g. 1h; default: as their open times tell.")
]


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="data")


@app.command(
    epilog=epilog("tradewire data check data/sample/coinbase-BTCUSD-1h.csv", "tradewire data check data/sample/*.csv")
)
def check(
    files: FilesArgument, interval: IntervalOption = None, tz: ZoneOption = None, as_json: JsonOption = False
) -> None:
    """Check every row of files. Gaps and equal duplicates are reported and valid; conflicts and bad rows are not."""
    answers = FileAnswers(lambda file: inspected(file, interval, tz), lambda found: found.valid, _document, _show)
    answer_each(files, answers, as_json=as_json)


@app.command(epilog=epilog("tradewire data info data/sample/coinbase-BTCUSD-1h.csv"))
def info(
    file: FileArgument, interval: IntervalOption = None, tz: ZoneOption = None, as_json: JsonOption = False
) -> None:
    """Describe a valid file: rows, bars, span, interval, gaps, decimals, size."""
    found = inspected(file, interval, tz)
    candles = candles_of(found, str(file))
    first_us, last_us = int(candles.open_time_us[0]), int(candles.open_time_us[-1])
    described: dict[str, str | int | float] = {
        "rows": found.rows,
        "bars": len(candles),
        "first_ms": first_us // 1000,
        "last_ms": last_us // 1000,
        "interval": candles.interval,
        "gaps": len(candles.gaps),
        "missing": sum(gap.missing for gap in candles.gaps),
        "duplicates": len(candles.duplicates_ms),
        "price_decimals": max(decimals_of(column) for column in candles.columns[:4]),
        "volume_decimals": decimals_of(candles.volume),
        "lowest": float(candles.low.min()),
        "highest": float(candles.high.max()),
        "bytes": file.stat().st_size,
    }
    if as_json:
        print_json({**described, "remarks": candles.remarks()})
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in described.items():
        table.add_row(name.replace("_ms", ""), iso(int(value) * 1000) if name.endswith("_ms") else str(value))
    table.add_row("covers", str(timedelta(microseconds=last_us + candles.interval_us - first_us)))
    out.print(table)
    for remark in candles.remarks():
        tell(f"data: {remark}")


@app.command("resample", epilog=epilog("tradewire data resample btc-1m.parquet --to 1h --out btc-1h.parquet"))
def resample_command(
    file: FileArgument,
    to: Annotated[str, typer.Option("--to", help="The longer interval, e.g. 4h.")],
    target: Annotated[Path, typer.Option("--out", help="File to write: .csv or .parquet.")],
    interval: IntervalOption = None,
    tz: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make longer candles by the strategy language's rules; a bucket that is cut at either end is dropped, one with
    bars missing inside is made of those that exist, and named."""
    if target.suffix not in WRITTEN:
        fail(f"--out: found {target.name}, allowed a name that ends in {' or '.join(WRITTEN)}", Exit.USAGE)
    if target.exists() and target.samefile(file):
        fail(f"--out: found {target}, the file that is read; allowed another one", Exit.USAGE)
    from tradewire.backtest.data.resampling import resample  # the language's rules, which a check does without

    candles = loaded(file, interval, tz)
    made = resample(candles, to)
    write_candles(made.candles, target, made.volumes)
    dropped = [time_us for time_us in (made.dropped_first_us, made.dropped_last_us) if time_us is not None]
    if as_json:
        gaps = [_gap(gap) for gap in made.candles.gaps]
        cut = [time_us // 1000 for time_us in dropped]
        bars = {"rows": len(made.candles), "interval": to, "dropped_ms": cut, "partial": made.partial, "gaps": gaps}
        print_json({**bars, "file": target, "remarks": candles.remarks()})
        return
    for time_us in dropped:
        say(f"dropped the partial {to} bar at {iso(time_us)}")
    for bar in made.partial[:SHOWN]:
        say(f"partial: the {to} bar at {iso(bar.time_ms * 1000)} is made of {bar.bars} of {bar.of} bars")
    if len(made.partial) > SHOWN:
        say(f"partial: {len(made.partial) - SHOWN:,} bars more; --json names them all")
    for remark in candles.remarks():
        say(f"data: {remark}")
    tell(f"{target}: {len(made.candles)} bars of {to}, {len(made.candles.gaps)} gaps", style="green")


@app.command(
    "fetch",
    epilog=epilog(
        "tradewire data fetch --symbol BTC/USDT:USDT --interval 1h --from 2024-01-01 --out history",
        "tradewire data fetch --archives archives --symbol BTCUSDT --interval 1h --from 2024-01-01 --out history",
    ),
)
def fetch_command(
    symbol: Annotated[str, typer.Option("--symbol", help="Market, in ccxt's or the venue's own words.")],
    target: Annotated[Path, typer.Option("--out", help="Folder for the Parquet files.")],
    begin: Annotated[str, typer.Option("--from", help="First open time, ISO 8601 in UTC, s or ms.")],
    end: Annotated[str | None, typer.Option("--to", help="End (exclusive); default: what has closed by now.")] = None,
    exchange: Annotated[str, typer.Option("--exchange", help="ccxt's id of the venue.")] = BINANCE,
    interval: Annotated[str, typer.Option("--interval", help="Of the candles, e.g. 1h.")] = "1h",
    kinds: Annotated[
        list[FetchKind] | None, typer.Option("--kind", help="What to fetch; default: all that the venue offers.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Ask here instead, e.g. a mirror: http://host:port.")
    ] = None,
    archives: Annotated[
        Path | None,
        typer.Option("--archives", help="Folder of Binance's bulk archives to take instead: data/futures/um/…"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch public candles, mark candles and funding. Goes on where it was after a kill; keeps the rate limit."""
    venue = _history(exchange, symbol, interval, base_url, archives)
    wanted = kinds or [kind for kind in FetchKind if venue.offers(kind)]
    lacking = ", ".join(kind for kind in wanted if not venue.offers(kind))
    if lacking:
        fail(f"{exchange if archives is None else archives} does not offer: {lacking}", Exit.USAGE)
    now_ms, files = venue.now_ms(), {}
    for kind in wanted:
        span = _span(begin, end, now_ms if kind is FetchKind.FUNDING else now_ms - INTERVALS_US[interval] // 1000 + 1)
        path = target / _file_name(exchange, venue.symbol_id, kind, interval)
        files[kind] = (path, fetch(venue, kind, span, path, _progress).height)
    missing = venue.missing if isinstance(venue, Archives) else None
    if as_json:
        told: dict[str, object] = {kind.value: {"file": path, "rows": rows} for kind, (path, rows) in files.items()}
        print_json(told if missing is None else told | {"missing": missing})
        return
    _say_missing(missing or [])
    for kind, (path, rows) in files.items():
        tell(f"{path}: {rows} rows of {kind.value}", style="green")


def _history(exchange: str, symbol: str, interval: str, base_url: str | None, archives: Path | None) -> History:
    """Where to take it from."""
    if archives is None:
        from tradewire.backtest.data.venue import HistoryVenue  # ccxt takes a second to import

        return HistoryVenue(exchange, symbol, interval, base_url=base_url, note=say)
    if exchange != BINANCE or base_url is not None:
        fail(f"--archives holds {BINANCE} alone: leave --exchange and --base-url out", Exit.USAGE)
    return Archives(archives, symbol, interval, now_ms=SystemClock().now_us() // 1000)


def _say_missing(days: list[str]) -> None:
    for day in days[:SHOWN]:
        say(f"no file for {day}")
    if len(days) > SHOWN:
        say(f"no file for {len(days) - SHOWN:,} days more; --json names them all")


def _span(begin: str, end: str | None, closed_ms: int) -> FetchSpan:
    """What to fetch: as typed, but only what has closed."""
    start_ms = moment(begin) // 1000
    end_ms = closed_ms if end is None else min(moment(end) // 1000, closed_ms)
    if end_ms <= start_ms:
        fail(f"--from {begin}: found nothing closed between it and {iso(end_ms * 1000)}", Exit.USAGE)
    return FetchSpan(start_ms, end_ms)


def inspected(file: Path, interval: str | None, tz: str | None = None) -> Inspection:
    """Findings about a file. Ends the command when it can't be read."""
    try:
        return inspect_file(file, interval, reading_of(tz))
    except OSError as error:
        fail(f"can't read {file}: {error.strerror or error}; give the path of a file of candles", Exit.USAGE)


def loaded(file: Path, interval: str | None = None, tz: str | None = None) -> Candles:
    """The bars of a file. Raises MarketDataError; ends the command when it can't be read."""
    return candles_of(inspected(file, interval, tz), str(file))


def _file_name(exchange: str, symbol: str, kind: FetchKind, interval: str) -> str:
    parts = {FetchKind.CANDLES: [interval], FetchKind.MARK: ["mark", interval], FetchKind.FUNDING: ["funding"]}
    return "-".join([exchange, symbol, *parts[kind]]) + ".parquet"


def _progress(kind: FetchKind, reached_ms: int, rows: int) -> None:
    say(f"{kind.value}: {rows} rows, reached {iso(reached_ms * 1000)}")


def _document(found: Inspection) -> dict[str, object]:
    """The keys that other tools read; ``bars`` and ``remarks`` only where there is something to say."""
    told: dict[str, object] = {
        "valid": found.valid,
        "rows": found.rows,
        "first_ms": found.first_ms,
        "last_ms": found.last_ms,
        "interval": found.interval,
        "duplicates": found.duplicates,
        "conflicts": found.conflicts,
        "gaps": [_gap(gap) for gap in found.gaps],
        "errors": found.errors,
    }
    if found.bars != found.rows:
        told["bars"] = found.bars
    if remarks := _remarks(found):
        told["remarks"] = remarks
    return told


def _remarks(found: Inspection) -> list[str]:
    """What was taken for what, and whether the volume can be used."""
    said = list(found.notes)
    if not found.has_volume:
        said.append("no volume: good for what reads none")
    if not found.valid and found.candles is not None:
        said.append("only volumes are wrong: good for what reads none")
    return said


def _gap(gap: Gap) -> dict[str, int]:
    return {"after_ms": gap.after_ms, "before_ms": gap.before_ms, "missing": gap.missing}


def _show(file: Path, found: Inspection) -> None:
    for error in found.errors[:SHOWN]:
        tell(str(error_of(error, str(file))), style="red")
    for remark in _remarks(found):
        tell(f"data: {remark}")
    for gap in found.gaps[:SHOWN]:
        tell(f"gap: {gap.missing} missing after {iso(gap.after_ms * 1000)}", style="yellow")
    for time_ms in found.duplicates[:SHOWN]:
        tell(f"duplicate: {iso(time_ms * 1000)} more than once, equal each time", style="yellow")
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("rows", str(found.rows))
    table.add_row("bars", str(found.bars))
    if found.first_ms is not None and found.last_ms is not None:
        table.add_row("span", f"{iso(found.first_ms * 1000)} to {iso(found.last_ms * 1000)}")
    table.add_row("interval", found.interval or "not to be seen")
    table.add_row("gaps", f"{len(found.gaps)}, {sum(gap.missing for gap in found.gaps)} bars missing")
    table.add_row("duplicates", str(len(found.duplicates)))
    table.add_row("conflicts", str(len(found.conflicts)))
    table.add_row("errors", str(len(found.errors)))
    out.print(table)
    tell(f"{file}: {'valid' if found.valid else 'not valid'}", style="green" if found.valid else "red")

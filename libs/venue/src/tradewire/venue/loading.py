"""Candle files and instruments of a folder, as markets of a venue."""

from __future__ import annotations

from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final

from tradewire.ports.errors import FatalError
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket
from tradewire.ports.intervals import INTERVALS_US
from tradewire.trading.bars_csv import DecimalBar, read_bars, text_of
from tradewire.trading.bars_layout import BarsFileError
from tradewire.trading.exchange import Bar, to_e8, to_unbounded_e8
from tradewire.trading.instruments_file import parse_instruments
from tradewire.trading.marks_csv import read_funding
from tradewire.venue.listing import MARGIN_ASSET, Listing, listing_of
from tradewire.venue.recording import Recording, read_recording
from tradewire.venue.tape import Tape

HISTORY_BARS: Final = 500
"""Candles of each file that have closed when the venue starts."""


def load_markets(
    folder: Path, *, now_us: int, history: int = HISTORY_BARS, zone: tzinfo = UTC
) -> list[tuple[Listing, Tape]]:
    """Markets of a folder with ``instruments.yaml`` and ``<venue>-<symbol>-<interval>.csv`` files; ``zone``: of times
    that name none.

    ``<candles>.funding.csv`` beside a file has the rates that are settled in its candles, ``<candles>.mark.csv`` the
    mark prices. Of several files for one base
    asset the finest interval is played. Raises FatalError for what can't be played.
    """
    rules = _instruments(folder / "instruments.yaml")
    best: dict[str, tuple[int, Path, InstrumentChanged]] = {}
    for path in sorted(folder.glob("*-*-*.csv")):
        venue, _, rest = path.stem.partition("-")
        symbol, _, interval = rest.rpartition("-")
        instrument = rules.get((venue, symbol))
        if instrument is None or interval not in INTERVALS_US:
            continue
        length_us = INTERVALS_US[interval]
        if instrument.base not in best or length_us < best[instrument.base][0]:
            best[instrument.base] = length_us, path, instrument
    if not best:
        allowed = "allowed: <venue>-<symbol>-<interval>.csv of an instrument of instruments.yaml"
        raise FatalError(f"{folder}: found no candle file to play; {allowed}")
    markets = []
    for length_us, path, instrument in best.values():
        bars = _bars(path, length_us, zone, instrument.symbol)
        rates = _funding(path, length_us, zone, instrument.symbol)
        marks = _marks(path, bars, zone, instrument.symbol)
        markets.append(_market(bars, rates, marks, path, instrument, now_us=now_us, history=history))
    return markets


def load_recording(
    path: Path, brackets: tuple[LeverageBracket, ...], *, now_us: int
) -> tuple[list[tuple[Listing, Tape]], Recording]:
    """A recorded session and the markets that it has trades of.

    Tick and step are the digits of the recorded prices and quantities. Raises FatalError for what can't be played.
    """
    recording = read_recording(path, now_us=now_us)
    markets = []
    for symbol in recording.symbols:
        bars, digits = recording.bars(symbol), recording.digits(symbol)
        if bars and digits:
            rules = _recorded_rules(symbol, *digits, brackets)
            markets.append((listing_of(rules, onboard_ms=now_us // 1000), Tape(bars, tick_e8=to_e8(rules.tick_size))))
    if not markets:
        raise FatalError(f"{path}: found no trades, allowed: aggTrade or trade messages of a symbol that ends in USDT")
    return markets, recording


def _recorded_rules(
    symbol: str, tick: Decimal, step: Decimal, brackets: tuple[LeverageBracket, ...]
) -> InstrumentChanged:
    """An instrument as far as a recording tells; fees are Binance's regular tier."""
    return InstrumentChanged(
        venue="binance",
        symbol=symbol,
        base=symbol.removesuffix(MARGIN_ASSET),
        quote=MARGIN_ASSET,
        status=InstrumentStatus.TRADING,
        tick_size=tick,
        step_size=step,
        min_qty=step,
        max_qty=step * 1_000_000,
        min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=("1m",),
        brackets=brackets,
        valid_from_us=0,
    )


def _instruments(path: Path) -> dict[tuple[str, str], InstrumentChanged]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FatalError(f"{path}: can't be read: {error}; it says tick, step, fees and brackets") from error
    return {(item.venue, item.symbol): item for item in parse_instruments(text, str(path))}


def _bars(path: Path, length_us: int, zone: tzinfo, symbol: str) -> list[Bar]:
    try:
        return [_bar(bar, length_us) for bar in read_bars(text_of(path.read_bytes()), str(path), zone, symbol)]
    except BarsFileError as error:
        raise FatalError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"{path}: {error}") from error


def _funding(candles: Path, length_us: int, zone: tzinfo, symbol: str) -> dict[int, Decimal]:
    """Rates by the open of the candle in which they were settled; none without a file."""
    path = candles.with_name(f"{candles.stem}.funding.csv")
    if not path.exists():
        return {}
    try:
        return read_funding(text_of(path.read_bytes()), str(path), length_us, zone, symbol)
    except BarsFileError as error:
        raise FatalError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"{path}: {error}") from error


def _marks(candles: Path, bars: list[Bar], zone: tzinfo, symbol: str) -> list[Bar]:
    """Mark candles, one for each candle; none without a file. Raises FatalError for a file that lacks one."""
    path = candles.with_name(f"{candles.stem}.mark.csv")
    if not path.exists():
        return []
    length_us = bars[0].close_time_us - bars[0].open_time_us
    found = {bar.open_time_us: bar for bar in _bars(path, length_us, zone, symbol)}
    if missing := [bar.open_time_us for bar in bars if bar.open_time_us not in found]:
        raise FatalError(
            f"{path}: found no mark for {len(missing)} candles of {candles.name}, the first opens at "
            f"{missing[0]} µs; allowed: one for each"
        )
    return [found[bar.open_time_us] for bar in bars]


def _market(
    bars: list[Bar],
    rates: dict[int, Decimal],
    marks: list[Bar],
    path: Path,
    instrument: InstrumentChanged,
    *,
    now_us: int,
    history: int,
) -> tuple[Listing, Tape]:
    try:
        tick_e8 = to_e8(instrument.tick_size)
        tape = Tape.moved(bars, tick_e8=tick_e8, history=history, now_us=now_us, rates=rates, marks=marks)
    except ValueError as error:
        raise FatalError(f"{path}: {error}") from error
    return listing_of(instrument, onboard_ms=tape.first_us // 1000), tape


def _bar(bar: DecimalBar, length_us: int) -> Bar:
    return Bar(
        bar.open_time_us,
        bar.open_time_us + length_us,
        to_e8(bar.open),
        to_e8(bar.high),
        to_e8(bar.low),
        to_e8(bar.close),
        to_unbounded_e8(bar.volume),
    )

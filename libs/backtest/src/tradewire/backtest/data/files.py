"""Which file holds what of which symbol, from words as they are typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewire.backtest.data.contents import is_data_file
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.reading import PLAIN, Reading
from tradewire.backtest.data.sources import FrameSource, Source, symbol_of
from tradewire.trading.market_column import plain_symbol

Word = str | Path | FrameSource
"""A file as typed, or a frame."""
_KIND_OF = {"--mark": "mark", "--funding": "funding"}
_KINDS = ("mark", "funding", "index", "premiumindex")
"""Parts of a name that tell that its candles are not those of trades."""
_PARTS_OF_SYMBOL = 3
"""The most parts of a file's name that make up a symbol, as of ``BTC_USDT`` and ``BTC-USD-PERP``."""


@dataclass(frozen=True, slots=True)
class MarketFiles:
    """Files of a run as typed. Each of ``data``, ``mark``, ``funding`` and ``path`` (finer candles): files, each
    FILE, SYMBOL=FILE, or a folder, or frames. Several files of a symbol are joined.

    A folder's file is taken for a symbol when the symbol is a part of its name, or several parts in a row make it up
    (``binance-BTCUSDT-1h.csv``; freqtrade's ``BTC_USDT_USDT-1h-futures.feather``); of several those of the kind asked
    for (a part ``mark`` or ``funding``), then those with the strategy's venue and interval as parts, all when their
    names differ only in numbers (``BTCUSDT-1m-2024-01.zip``, ``BTCUSDT-1m-2024-02.zip``). ``brackets``: JSON, symbol →
    tiers, as Binance tells them. ``instruments``: YAML; without it the ``instruments.yaml`` beside the candles, where
    there is one. ``reading``: how the files are read. ``volume_reader``: what needs the volume; "" for nothing.
    """

    data: Sequence[Word]
    mark: Sequence[Word] = ()
    funding: Sequence[Word] = ()
    brackets: Path | None = None
    instruments: Path | None = None
    path: Sequence[Word] = ()
    reading: Reading = PLAIN
    volume_reader: str = ""


def files_by_symbol(
    words: Sequence[Word], symbols: Sequence[str], hints: Sequence[str], *, what: str, every: bool = True
) -> dict[str, tuple[Source, ...]]:
    """The files or frames of each symbol, at least one. ``hints``, as venue and interval, decide between several of a
    folder. Unless ``every`` symbol must have a file, those without are left out.

    Raises MarketDataError, its ``field`` the name ``what``, when a symbol has no file that must have one, when none has
    one, or when one has several that aren't parts of one series by their names.
    """
    named: dict[str, tuple[Source, ...]] = {}
    offered: list[Path] = []
    for word in words:
        if isinstance(word, FrameSource):
            symbol = _known(word.symbol, symbols, str(word), what)
            named[symbol] = (*named.get(symbol, ()), word)
            continue
        name, equals, path = str(word).partition("=")
        if equals and not Path(word).exists():
            symbol = _known(name, symbols, str(word), what)
            named[symbol] = (*named.get(symbol, ()), _existing(Path(path), what))
        else:
            offered += _offered(_existing(Path(word), what))
    if len(symbols) == 1 and not named and offered and not any(Path(str(word)).is_dir() for word in words):
        return {symbols[0]: tuple(offered)}
    typed = ", ".join(map(str, words)) or "nothing"
    by_symbol = _by_symbol(offered if every else _of_own_kind(offered, _KIND_OF.get(what)))
    fitting = {symbol: by_symbol.get(plain_symbol(symbol), []) for symbol in symbols if symbol not in named}
    wanted = [symbol for symbol in symbols if every or symbol in named or fitting[symbol]] or symbols
    return {symbol: named.get(symbol) or _matches(symbol, fitting[symbol], hints, (what, typed)) for symbol in wanted}


def _known(name: str, symbols: Sequence[str], word: str, what: str) -> str:
    """The strategy's symbol that a name means. Raises MarketDataError for none."""
    symbol = symbol_of(name, tuple(symbols))
    if symbol is None:
        raise MarketDataError(word, field=what, found=name, allowed=", ".join(symbols))
    return symbol


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise MarketDataError(str(path), field=what, found="no such file", allowed="a file, SYMBOL=FILE, or a folder")
    return path


def _offered(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if is_data_file(file))


def _matches(symbol: str, offered: Sequence[Path], hints: Sequence[str], option: tuple[str, str]) -> tuple[Source, ...]:
    """Of the files ``offered`` for a symbol those of the option's kind whose names have most of the hints: one, or
    several whose names differ only in numbers, as the dates of archives. ``option``: name and value."""
    found = _of_kind(offered, _KIND_OF.get(option[0]))
    for hint in hints:
        found = [path for path in found if hint in _parts(path)] or found
    series = {tuple(part for part in _parts(path) if not part.isdecimal()) for path in found}
    if len(series) == 1:
        return tuple(found)
    names = ", ".join(path.name for path in found) or "no file"
    raise MarketDataError(
        option[1],
        field=option[0],
        found=f"{names} for {symbol}",
        allowed=f"one file with {symbol} in its name, several that differ in dates alone, or {symbol}=FILE",
    )


def _of_kind(offered: Sequence[Path], kind: str | None) -> list[Path]:
    """Those whose names have the kind as a part, else those that have none."""
    kinds = {path: _kinds(path) for path in offered}
    own = [path for path in offered if kind in kinds[path]]
    return own or [path for path in offered if not kinds[path]] or list(offered)


def _of_own_kind(offered: Sequence[Path], kind: str | None) -> Sequence[Path]:
    """Those whose names have the kind as a part where any has: beside marks of some symbols, candles are no marks."""
    return [path for path in offered if kind in _kinds(path)] or offered


def _kinds(path: Path) -> set[str]:
    return {part.lower() for part in _parts(path)}.intersection(_KINDS)


def _by_symbol(offered: Sequence[Path]) -> dict[str, list[Path]]:
    """The files by each symbol that parts of their names make up, found once: a folder may hold thousands."""
    found: dict[str, list[Path]] = {}
    for path in offered:
        parts = _parts(path)
        runs = (
            "".join(parts[start : start + count])
            for start in range(len(parts))
            for count in range(1, _PARTS_OF_SYMBOL + 1)
        )
        for run in dict.fromkeys(plain_symbol(run) for run in runs):
            found.setdefault(run, []).append(path)
    return found


def _parts(path: Path) -> list[str]:
    return re.split(r"[-_. ]", path.name)

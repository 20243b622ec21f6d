"""Which file holds what of which symbol, from words as they are typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewire.backtest.data.contents import SUFFIXES
from tradewire.backtest.data.errors import MarketDataError


@dataclass(frozen=True, slots=True)
class MarketFiles:
    """Files of a run as typed. Each of ``data``, ``mark``, ``funding`` and ``path`` (finer candles): files, each
    FILE, SYMBOL=FILE, or a folder. Several files of a symbol are joined.

    A folder's file is taken for a symbol when the symbol is a part of its name (``binance-BTCUSDT-1h.csv``); of
    several those with the strategy's venue and interval as parts, all when their names differ only in numbers
    (``BTCUSDT-1m-2024-01.zip``, ``BTCUSDT-1m-2024-02.zip``). ``brackets``: JSON, symbol → tiers, as Binance tells
    them. ``instruments``: YAML; without it the ``instruments.yaml`` beside the candles, where there is one.
    """

    data: Sequence[str | Path]
    mark: Sequence[str | Path] = ()
    funding: Sequence[str | Path] = ()
    brackets: Path | None = None
    instruments: Path | None = None
    path: Sequence[str | Path] = ()


def files_by_symbol(
    words: Sequence[str | Path], symbols: Sequence[str], hints: Sequence[str], *, what: str
) -> dict[str, tuple[Path, ...]]:
    """The files of each symbol, at least one. ``hints``, as venue and interval, decide between several of a folder.

    Raises MarketDataError, its ``field`` the name ``what``, when a symbol has no file, or several that aren't parts of
    one series by their names.
    """
    named: dict[str, tuple[Path, ...]] = {}
    offered: list[Path] = []
    for word in words:
        symbol, equals, name = str(word).partition("=")
        if equals and not Path(word).exists():
            if symbol not in symbols:
                raise MarketDataError(str(word), field=what, found=symbol, allowed=", ".join(symbols))
            named[symbol] = (*named.get(symbol, ()), _existing(Path(name), what))
        else:
            offered += _offered(_existing(Path(word), what))
    if len(symbols) == 1 and words and not named and not any(Path(word).is_dir() for word in words):
        return {symbols[0]: tuple(offered)}
    typed = ", ".join(map(str, words)) or "nothing"
    by_part = _by_part(offered)
    return {
        symbol: named.get(symbol) or _matches(symbol, by_part.get(symbol, ()), hints, (what, typed))
        for symbol in symbols
    }


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise MarketDataError(str(path), field=what, found="no such file", allowed="a file, SYMBOL=FILE, or a folder")
    return path


def _offered(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))


def _matches(symbol: str, offered: Sequence[Path], hints: Sequence[str], option: tuple[str, str]) -> tuple[Path, ...]:
    """Of the files ``offered`` for a symbol those whose names have most of the hints: one, or several whose names
    differ only in numbers, as the dates of archives. ``option``: name and value."""
    found = list(offered)
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


def _by_part(offered: Sequence[Path]) -> dict[str, list[Path]]:
    """The files by each part of their names, made once: a folder may hold thousands."""
    found: dict[str, list[Path]] = {}
    for path in offered:
        for part in dict.fromkeys(_parts(path)):
            found.setdefault(part, []).append(path)
    return found


def _parts(path: Path) -> list[str]:
    return re.split(r"[-_. ]", path.name)

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
    """Files of a run as typed. Each of ``data``, ``mark``, ``funding`` and ``path`` (finer candles): a file,
    SYMBOL=FILE, or a folder.

    A folder's file is taken for a symbol when the symbol is a part of its name (``binance-BTCUSDT-1h.csv``); of
    several those with the strategy's venue and interval as parts. ``brackets``: JSON, symbol → tiers, as Binance tells
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
) -> dict[str, Path]:
    """The file of each symbol. ``hints``, as venue and interval, decide between several files of a folder.

    Raises MarketDataError, its ``field`` the name ``what``, when a symbol has no file or several.
    """
    named: dict[str, Path] = {}
    offered: list[Path] = []
    for word in words:
        symbol, equals, name = str(word).partition("=")
        if equals and not Path(word).exists():
            if symbol not in symbols:
                raise MarketDataError(str(word), field=what, found=symbol, allowed=", ".join(symbols))
            if symbol in named:
                raise MarketDataError(str(word), field=what, found=f"{symbol} twice", allowed="one file a symbol")
            named[symbol] = _existing(Path(name), what)
        else:
            offered += _offered(_existing(Path(word), what))
    single = len(symbols) == 1 and len(words) == 1 and not named and not Path(words[0]).is_dir()
    if single:
        return {symbols[0]: offered[0]}
    typed = ", ".join(map(str, words)) or "nothing"
    return {symbol: named.get(symbol) or _match(symbol, offered, hints, (what, typed)) for symbol in symbols}


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise MarketDataError(str(path), field=what, found="no such file", allowed="a file, SYMBOL=FILE, or a folder")
    return path


def _offered(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))


def _match(symbol: str, offered: Sequence[Path], hints: Sequence[str], option: tuple[str, str]) -> Path:
    """The one file whose name has the symbol among its parts, and most of the hints; ``option``: name and value."""
    found = [path for path in offered if symbol in _parts(path)]
    for hint in hints:
        found = [path for path in found if hint in _parts(path)] or found
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found) or "no file"
    raise MarketDataError(
        option[1],
        field=option[0],
        found=f"{names} for {symbol}",
        allowed=f"one file with {symbol} in its name, or {symbol}=FILE",
    )


def _parts(path: Path) -> list[str]:
    return re.split(r"[-_. ]", path.name)

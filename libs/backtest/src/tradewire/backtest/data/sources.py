"""Where a series comes from: a file, or a data frame in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import polars as pl

from tradewire.trading.market_column import plain_symbol


@dataclass(frozen=True, slots=True, eq=False)
class FrameSource:
    """A data frame of one symbol; ``symbol`` as it was given, in the venue's words or ccxt's."""

    symbol: str
    table: pl.DataFrame
    what: str = "data"

    def __str__(self) -> str:
        return f"the frame of {self.symbol} ({self.what})"


Source: TypeAlias = Path | FrameSource
"""A file, or a frame. Its text names it in errors."""


def symbol_of(name: str, symbols: tuple[str, ...]) -> str | None:
    """Which of a strategy's symbols a name means: the symbol itself or its name at ccxt. None where it is none."""
    if name in symbols:
        return name
    same = [symbol for symbol in symbols if plain_symbol(symbol) == plain_symbol(name)]
    return same[0] if len(same) == 1 else None

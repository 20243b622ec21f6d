"""Which column of a table is what, by its names: shared by CSV files, Parquet, Arrow and data frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tradewire.trading.market_column import QUOTES, MarketColumn, market_column, plain_symbol

NUMBER_FIELDS = ("open", "high", "low", "close", "volume")
FIELDS = ("open_time", *NUMBER_FIELDS)
PRICES = NUMBER_FIELDS[:4]
TIME_NAMES = ("open_time", "opentime", "time", "timestamp", "date", "datetime", "unix", "unix_timestamp")
_INDEX = "index_level_0"
"""Name by which pandas writes an index without one to Parquet, after the columns."""
_UNNAMED = ("", "unnamed_0", "index", _INDEX)
"""What an index is called once a table with one was written and read."""
_SHORT = {"t": "open_time", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vol": "volume"}
"""Names of venues' own answers."""
DAY_NOTE = "the columns of date and of time together are read as open_time"
"""What is said of moments that two columns tell."""
DATE_NOTE = "the times are read as open_time; the column of dates beside them is not read"
"""What is said where the times are whole moments."""
NO_VOLUME = "no volume: "
"""How a note begins that says why there is none."""
_COINS = ("BTC", "ETH", "BNB")
"""Quotes that are bases far more often."""
_VOLUME_OF = re.compile(r"volume_\w+|base_volume|vol_\w+")
_OTHER_KINDS = (
    ({"funding_time", "funding_rate"}, "funding settlements: give the file as --funding (funding=)"),
    ({"funding_rate"}, "funding settlements: give the file as --funding (funding=)"),
    ({"price", "qty"}, "single trades: make candles of them first"),
    ({"price", "amount"}, "single trades: make candles of them first"),
    ({"price", "size"}, "single trades: make candles of them first"),
)


class ColumnsError(ValueError):
    """Names that are not those of candles."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(f"found {found}, allowed {allowed}")
        self.found, self.allowed = found, allowed


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of a table's columns, from 0. ``volume`` is None where there is none.

    ``notes``: what was taken for what, in sentences, where the names left a choice. ``day``: where the date stands when
    ``time`` may hold a clock's times alone, as in exports of MetaTrader and Stooq. ``market``: the column
    that names each row's market, None where there is none.
    """

    time: int
    prices: tuple[int, int, int, int]
    volume: int | None
    notes: tuple[str, ...] = ()
    day: int | None = None
    market: MarketColumn | None = None

    @property
    def places(self) -> tuple[int, ...]:
        """Time, open, high, low, close and, where there is one, volume."""
        return self.time, *self.prices, *(() if self.volume is None else (self.volume,))


def candle_columns(names: Sequence[str], symbol: str = "") -> Columns:
    """Where the columns of candles are; ``symbol``: whose, where it is told.

    Raises ColumnsError when one is missing, or a name stands twice.
    """
    plain = plain_names(names)
    numbered = _numbered(plain)
    if numbered is not None:
        return numbered
    notes: list[str] = []
    if "close" not in plain and {"open", "high", "low", "price"} <= set(plain):
        plain = ["close" if name == "price" else name for name in plain]
        notes.append("the column of the price, beside open, high and low, is read as close")
    refuse_twice(names, plain, FIELDS)
    time = _time(names, plain, notes)
    missing = [name for name in PRICES if name not in plain] + ([] if time is not None else ["open_time"])
    if time is None or missing:
        kind = next((text for words, text in _OTHER_KINDS if words <= set(plain)), "")
        found = f"columns {', '.join(names)} without {', '.join(missing)}"
        raise ColumnsError(found, kind or ", ".join(FIELDS))
    open_, high, low, close = (plain.index(name) for name in PRICES)
    volume = _volume(names, plain, symbol, notes)
    day = plain.index("date") if plain[time] == "time" and plain.count("date") == 1 else None
    return Columns(time, (open_, high, low, close), volume, tuple(notes), day, market_column(names, plain))


def _numbered(plain: Sequence[str]) -> Columns | None:
    """The columns of a frame of ccxt's rows, which have an order and no names; after an index, where it has one."""
    first = 1 if plain[:1] and plain[0] in _UNNAMED else 0
    if list(plain[first : first + 5]) != ["0", "1", "2", "3", "4"]:
        return None
    open_, high, low, close = (first + place for place in range(1, 5))
    volume = first + 5 if list(plain[first + 5 : first + 6]) == ["5"] else None
    note = "the columns have numbers for names: read as open_time, open, high, low, close, volume"
    return Columns(first, (open_, high, low, close), volume, (note,))


def is_of_yfinance(rows: Sequence[Sequence[str]]) -> bool:
    """Whether these are the three rows of names that yfinance writes for one symbol."""
    firsts = [row[:1] for row in rows]
    return (
        firsts
        in (
            [["Price"], ["Ticker"], ["Date"]],
            [["Price"], ["Ticker"], ["Datetime"]],
        )
        and len(set(rows[1][1:])) == 1
    )


def plain_names(names: Sequence[str]) -> list[str]:
    """Names as they are compared: lower case, all but letters and digits an underscore; a venue's letters spelled."""
    plain = [re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_") for name in names]
    known = {*FIELDS, *TIME_NAMES}
    return [_SHORT.get(name, name) if _SHORT.get(name) not in known.intersection(plain) else name for name in plain]


def refuse_twice(names: Sequence[str], plain: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises ColumnsError when two columns have one wanted name, as ``close`` and ``Close``."""
    for name in wanted:
        same = [own for own, one in zip(names, plain, strict=True) if one == name]
        if len(same) > 1:
            raise ColumnsError(f"{' and '.join(same)}: {name} {len(same)} times", "each name once: drop or rename one")


def _time(names: Sequence[str], plain: Sequence[str], notes: list[str]) -> int | None:
    named = next((plain.index(name) for name in TIME_NAMES if name in plain), None)
    if named is not None:
        refuse_twice(names, plain, (plain[named],))
        others = [own for own, name in zip(names, plain, strict=True) if name in TIME_NAMES and name != plain[named]]
        if others and not (plain[named] == "time" and "date" in plain):
            beside = f"{', '.join(others)} {'are' if len(others) > 1 else 'is'} not read"
            notes.append(f"column {names[named]} is read as open_time; {beside}")
        return named
    if plain and plain[0] in _UNNAMED:
        notes.append("the first column has no name of its own: read as open_time")
        return 0
    if _INDEX in plain:
        notes.append(f"column {names[plain.index(_INDEX)]} is the index of a frame: read as open_time")
        return plain.index(_INDEX)
    return None


def _volume(names: Sequence[str], plain: Sequence[str], symbol: str, notes: list[str]) -> int | None:
    if "volume" in plain:
        return plain.index("volume")
    others = [place for place, name in enumerate(plain) if _VOLUME_OF.fullmatch(name)]
    base = others if len(others) == 1 else _in_base(plain, others, symbol)
    if len(base) == 1:
        beside = ", ".join(names[place] for place in others if place not in base)
        more = f"; {beside} {'is' if len(others) == len(base) + 1 else 'are'} not read" if beside else ""
        notes.append(f"column {names[base[0]]} is read as volume, in base asset{more}")
        return base[0]
    if others:
        found = ", ".join(names[place] for place in others)
        notes.append(f"{NO_VOLUME}{found} could each be it; rename the one in base asset to volume")
    return None


def _in_base(plain: Sequence[str], places: Sequence[int], symbol: str) -> list[int]:
    """Of columns as ``volume_btc`` and ``volume_usdt`` those in base asset: the symbol's own where it is told, else
    what is no quote."""
    assets = {place: plain[place].rpartition("_")[2].upper() for place in places}
    if symbol:
        whole, quotes = plain_symbol(symbol), {*QUOTES, *assets.values()}
        return [place for place, asset in assets.items() if whole in {asset + quote for quote in quotes}]
    return [place for place, asset in assets.items() if asset not in QUOTES or asset in _COINS]

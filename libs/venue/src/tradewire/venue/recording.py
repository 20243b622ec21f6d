"""A recorded session of market streams, played again: its messages as they were, a book kept from its snapshots.

Each line is ``{"recv_ns", "kind", "msg"}``, ``kind`` being ``ws`` or ``rest_depth``. Orders meet the recorded trades.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradewire.binance.depth import DepthSnapshot, OrderBook
from tradewire.binance.market_streams import AggTrade, BinanceTrade, BookTicker, DepthUpdate
from tradewire.binance.streams import UnknownEvent, read_event
from tradewire.binance.wire import FieldError, Wire
from tradewire.ports.errors import FatalError
from tradewire.trading.exchange import Bar, to_e8

SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line: what was heard ``offset_us`` after the first."""

    offset_us: int
    symbol: str
    event: Wire


@dataclass(slots=True)
class Recording:
    """A session from its first line on. ``start_us``: the venue's time of the first line."""

    lines: tuple[Recorded, ...]
    start_us: int
    books: dict[str, OrderBook] = field(default_factory=dict)
    tops: dict[str, BookTicker] = field(default_factory=dict)
    next: int = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that it has messages of."""
        return tuple(sorted({line.symbol for line in self.lines}))

    def due(self, now_us: int) -> Iterator[Wire]:
        """Messages that were heard by now, in their order; snapshots move the book and are no messages."""
        while self.next < len(self.lines) and self.start_us + self.lines[self.next].offset_us <= now_us:
            line = self.lines[self.next]
            self.next += 1
            book = self.books.setdefault(line.symbol, OrderBook())
            if isinstance(line.event, DepthSnapshot):
                book.start(line.event)
                continue
            if isinstance(line.event, DepthUpdate):
                book.take(line.event)
            elif isinstance(line.event, BookTicker):
                self.tops[line.symbol] = line.event
            yield line.event

    def next_us(self, end_us: int) -> int | None:
        """When the next message is due, if that is by ``end_us``."""
        if self.next >= len(self.lines):
            return None
        at_us = self.start_us + self.lines[self.next].offset_us
        return at_us if at_us <= end_us else None

    def digits(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Smallest units of the symbol's prices and quantities in its changes of the book; None without any."""
        updates = [line.event for line in self.lines if line.symbol == symbol and isinstance(line.event, DepthUpdate)]
        levels = [level for update in updates for level in (*update.bids, *update.asks)]
        if not levels:
            return None
        places = [max(-int(level[side].as_tuple().exponent) for level in levels) for side in (0, 1)]
        return Decimal(1).scaleb(-places[0]), Decimal(1).scaleb(-places[1])

    def bars(self, symbol: str) -> list[Bar]:
        """The symbol's trades as candles of a second, from the first line to the last; flat where nobody traded."""
        prices: dict[int, list[int]] = {}
        for line in self.lines:
            price = _price(line.event) if line.symbol == symbol else None
            if price is not None:
                prices.setdefault(line.offset_us // SECOND_US, []).append(to_e8(price))
        if not prices:
            return []
        bars, last = [], prices[min(prices)][0]
        for second in range(self.lines[-1].offset_us // SECOND_US + 1):
            seen = [last, *prices.get(second, ())]
            opened = self.start_us + second * SECOND_US
            bars.append(Bar(opened, opened + SECOND_US, seen[0], max(seen), min(seen), seen[-1]))
            last = seen[-1]
        return bars


def _price(event: Wire) -> Decimal | None:
    """The price of a trade of the market; of other messages none."""
    if isinstance(event, AggTrade) or (isinstance(event, BinanceTrade) and event.price > 0):
        return event.price
    return None


def read_recording(path: Path, *, now_us: int) -> Recording:
    """The session of a ``.jsonl`` or ``.jsonl.gz`` file. Raises FatalError that names file and line."""
    try:
        whole = path.read_bytes()
        text = (gzip.decompress(whole) if path.suffix == ".gz" else whole).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FatalError(f"{path}: can't be read: {error}") from error
    lines = [
        line for number, row in enumerate(text.splitlines(), start=1) for line in _lines(row, f"{path}, line {number}")
    ]
    if not lines:
        raise FatalError(f"{path}: found no recorded message, allowed: lines with recv_ns, kind and msg")
    named = {line.symbol for line in lines} - {""}
    if len(named) != 1 and any(not line.symbol for line in lines):
        raise FatalError(f"{path}: found a rest_depth without symbol, allowed where all messages are of one symbol")
    only, first_us = min(named, default=""), lines[0].offset_us
    moved = (Recorded(line.offset_us - first_us, line.symbol or only, line.event) for line in lines)
    return Recording(tuple(sorted(moved, key=lambda line: line.offset_us)), now_us)


def _lines(row: str, where: str) -> Iterator[Recorded]:
    try:
        item: Any = json.loads(row)
        message, at_us = item["msg"], int(item["recv_ns"]) // 1000
        if item.get("kind") == "rest_depth":
            yield Recorded(at_us, item.get("symbol", ""), DepthSnapshot.read(message))
            return
        event = read_event(message.get("data", message))
        symbol = getattr(event, "symbol", "")
        if not isinstance(event, UnknownEvent) and symbol:
            yield Recorded(at_us, symbol, event)
    except (ValueError, TypeError, KeyError, AttributeError, FieldError) as error:
        raise FatalError(f"{where}: found {row[:60]!r}: {error}; allowed: recv_ns, kind, msg") from error

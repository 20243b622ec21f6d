"""Binance's public futures streams: what one WebSocket message says. Pure; numbers stay text until they are Decimal.

Source: Binance, "USDⓈ-M Futures, WebSocket Market Streams" (Kline, Aggregate Trade, Mark Price, Individual Symbol
Book Ticker). Times on the wire are ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tradewire.ingest.domain import Mark, interval_us
from tradewire.ports.events import GapDetected, GapKind, MarkPriceUpdated, TopOfBook, TradeSeen
from tradewire.trading.bars_csv import RawBar, decimal_of

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KlineClosed:
    """A finished kline, not yet judged."""

    interval: str
    row: RawBar


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a stream says of a symbol at ``time_us`` (UTC, µs). ``stream`` is an interval for klines."""

    symbol: str
    stream: str
    time_us: int
    content: KlineClosed | Mark | MarkPriceUpdated | TradeSeen | TopOfBook | GapDetected


class FieldError(ValueError):
    """A field of a message is missing or not what it must be."""

    def __init__(self, field: str, *, found: object, allowed: str) -> None:
        super().__init__(f"{field}: found {found}, allowed {allowed}")
        self.field, self.found, self.allowed = field, str(found), allowed


def observations(message: Fields, *, venue: str, line: int) -> Iterator[Observation]:
    """What a message says; nothing for unfinished klines, depth and whatever else tradewire does not use.

    ``message`` is bare or in the envelope of a combined stream; ``line`` is its 1-based place in the recording.
    A bad number is a ``GapDetected``. Raises FieldError for a message without a sound symbol or time.
    """
    data = message.get("data", message)
    for item in data if isinstance(data, list) else [data]:
        read = _READERS.get(item.get("e")) if isinstance(item, Mapping) else None
        if read:
            symbol, time_us = _text(item, "s"), _time_us(item, "E")
            try:
                found = read(item, venue, line)
            except FieldError as error:
                found = _fault(error, venue, symbol, str(item["e"]), time_us, line)
            if found:
                yield found


def _kline(item: Fields, venue: str, line: int) -> Observation | None:
    kline = item.get("k")
    if not isinstance(kline, Mapping):
        raise FieldError("k", found=kline, allowed="a kline")
    if kline.get("x") is not True:
        return None
    open_, high, low, close, volume = (_text(kline, field) for field in "ohlcv")
    row = RawBar(_time_us(kline, "t"), open_, high, low, close, volume, line)
    interval = _text(kline, "i")
    try:
        interval_us(interval)
    except ValueError as error:
        raise FieldError("i", found=interval, allowed="a count with m, h, d or w") from error
    # T is the last ms of the kline; the close of a bar is the end that is no part of it.
    return Observation(_text(item, "s"), interval, _time_us(kline, "T") + 1000, KlineClosed(interval, row))


def _trade(item: Fields, venue: str, line: int) -> Observation | None:
    if item.get("X", "MARKET") != "MARKET":
        return None  # insurance fund and ADL: no trades of the market, partly with price 0
    trade = TradeSeen(
        venue=venue,
        symbol=_text(item, "s"),
        trade_id=_integer(item, "a" if "a" in item else "t"),
        event_time_us=_time_us(item, "T"),
        price=_decimal(item, "p"),
        qty=_decimal(item, "q"),
        buyer_is_maker=item.get("m") is True,
    )
    return Observation(trade.symbol, "trade", trade.event_time_us, trade)


def _top_of_book(item: Fields, venue: str, line: int) -> Observation | None:
    bid, ask = _decimal(item, "b"), _decimal(item, "a")
    if bid >= ask:
        raise FieldError("b", found=bid, allowed=f"< ask = {ask}")
    top = TopOfBook(
        venue=venue,
        symbol=_text(item, "s"),
        event_time_us=_time_us(item, "T"),
        update_id=_integer(item, "u"),
        bid=bid,
        bid_qty=_decimal(item, "B", positive=False),
        ask=ask,
        ask_qty=_decimal(item, "A", positive=False),
    )
    return Observation(top.symbol, "quote", top.event_time_us, top)


def _mark(item: Fields, venue: str, line: int) -> Observation | None:
    time_us = _time_us(item, "E")
    mark = Mark(
        time_us=time_us,
        mark_price=_decimal(item, "p"),
        index_price=_decimal(item, "i") if item.get("i") else None,
        rate=_rate(item) if item.get("r") else None,  # delivery contracts have an empty one
        next_funding_us=_time_us(item, "T") if item.get("T") else None,
    )
    return Observation(_text(item, "s"), "mark", time_us, mark)


_READERS: Mapping[object, Callable[[Fields, str, int], Observation | None]] = MappingProxyType(
    {"kline": _kline, "trade": _trade, "aggTrade": _trade, "bookTicker": _top_of_book, "markPriceUpdate": _mark}
)


def _fault(error: FieldError, venue: str, symbol: str, stream: str, time_us: int, line: int) -> Observation:
    fault = GapDetected(
        venue=venue,
        symbol=symbol,
        interval=stream,
        kind=GapKind.INVALID,
        event_time_us=time_us,
        missing=0,
        field=error.field,
        found=error.found,
        allowed=error.allowed,
        row=line,
    )
    return Observation(symbol, stream, time_us, fault)


def _text(item: Fields, field: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not value:
        raise FieldError(field, found=value, allowed="text")
    return value


def _integer(item: Fields, field: str) -> int:
    value = item.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError(field, found=value, allowed="a whole number ≥ 0")
    return value


def _time_us(item: Fields, field: str) -> int:
    return _integer(item, field) * 1000


def _decimal(item: Fields, field: str, *, positive: bool = True) -> Decimal:
    text = _text(item, field)
    try:
        return decimal_of(text, positive=positive)
    except ValueError as error:
        raise FieldError(field, found=text, allowed=str(error)) from error


def _rate(item: Fields) -> Decimal:
    """A funding rate, which may be negative."""
    text = _text(item, "r")
    try:
        size = decimal_of(text.removeprefix("-"), positive=False)
    except ValueError as error:
        raise FieldError("r", found=text, allowed="a finite decimal number") from error
    return -size if text.startswith("-") else size

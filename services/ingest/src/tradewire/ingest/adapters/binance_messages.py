"""What one message of Binance's public futures streams tells ingest. Pure; the messages are `tradewire.binance`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tradewire.binance.market_streams import OF_THE_MARKET, AggTrade, BinanceTrade, BookTicker, Kline, MarkPriceUpdate
from tradewire.binance.wire import FieldError, Wire, text_of
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


def observations(message: Fields, *, venue: str, line: int) -> Iterator[Observation]:
    """What a message says; nothing for unfinished klines, depth and whatever else tradewire does not use.

    ``message`` is bare or in the envelope of a combined stream; ``line`` is its 1-based place in the recording.
    A bad number is a ``GapDetected``. Raises FieldError for a message without a sound symbol or time.
    """
    data = message.get("data", message)
    for item in data if isinstance(data, list) else [data]:
        reader = _READERS.get(item.get("e")) if isinstance(item, Mapping) else None
        if reader:
            symbol, time_us = _symbol(item), _time_us(item)
            cls, observe = reader
            try:
                found = observe(cls.read(item), venue, line)
            except FieldError as error:
                found = _fault(error, venue, symbol, str(item["e"]), time_us, line)
            if found:
                yield found


def _kline(event: Kline, venue: str, line: int) -> Observation | None:
    kline = event.kline
    if kline.closed is not True:
        return None
    open_, high, low, close, volume = map(text_of, (kline.open, kline.high, kline.low, kline.close, kline.volume))
    row = RawBar(kline.open_time_ms * 1000, open_, high, low, close, volume, line)
    try:
        interval_us(kline.interval)
    except ValueError as error:
        raise FieldError("i", found=kline.interval, allowed="a count with m, h, d or w") from error
    # The wire's close time is the last ms of the kline; the close of a bar is the end that is no part of it.
    close_us = kline.close_time_ms * 1000 + 1000
    return Observation(event.symbol, kline.interval, close_us, KlineClosed(kline.interval, row))


def _trade(event: AggTrade | BinanceTrade, venue: str, line: int) -> Observation | None:
    if isinstance(event, BinanceTrade) and event.kind not in (None, OF_THE_MARKET):
        return None
    trade = TradeSeen(
        venue=venue,
        symbol=event.symbol,
        trade_id=event.trade_id,
        event_time_us=event.trade_time_ms * 1000,
        price=_bounded("p", event.price),
        qty=_bounded("q", event.qty),
        buyer_is_maker=event.buyer_is_maker,
    )
    return Observation(trade.symbol, "trade", trade.event_time_us, trade)


def _top_of_book(event: BookTicker, venue: str, line: int) -> Observation | None:
    bid, ask = _bounded("b", event.bid), _bounded("a", event.ask)
    if bid >= ask:
        raise FieldError("b", found=text_of(bid), allowed=f"< ask = {text_of(ask)}")
    top = TopOfBook(
        venue=venue,
        symbol=event.symbol,
        event_time_us=event.transaction_time_ms * 1000,
        update_id=event.update_id,
        bid=bid,
        bid_qty=_bounded("B", event.bid_qty, positive=False),
        ask=ask,
        ask_qty=_bounded("A", event.ask_qty, positive=False),
    )
    return Observation(top.symbol, "quote", top.event_time_us, top)


def _mark(event: MarkPriceUpdate, venue: str, line: int) -> Observation | None:
    time_us, next_ms = event.event_time_ms * 1000, event.next_funding_time_ms
    mark = Mark(
        time_us=time_us,
        mark_price=_bounded("p", event.mark_price),
        index_price=_bounded("i", event.index_price) if event.index_price is not None else None,
        rate=_rate(event.funding_rate) if event.funding_rate is not None else None,
        next_funding_us=next_ms * 1000 if next_ms else None,
    )
    return Observation(event.symbol, "mark", time_us, mark)


_READERS: Mapping[object, tuple[type[Wire], Callable[[Any, str, int], Observation | None]]] = MappingProxyType(
    {
        Kline.EVENT: (Kline, _kline),
        BinanceTrade.EVENT: (BinanceTrade, _trade),
        AggTrade.EVENT: (AggTrade, _trade),
        BookTicker.EVENT: (BookTicker, _top_of_book),
        MarkPriceUpdate.EVENT: (MarkPriceUpdate, _mark),
    }
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


def _symbol(item: Fields) -> str:
    value = item.get("s")
    if not isinstance(value, str) or not value:
        raise FieldError("s", found=value, allowed="text")
    return value


def _time_us(item: Fields) -> int:
    value = item.get("E")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError("E", found=value, allowed="a whole number ≥ 0")
    return value * 1000


def _bounded(field: str, number: Decimal, *, positive: bool = True) -> Decimal:
    """The number, if our own wire can carry it. Raises FieldError."""
    try:
        return decimal_of(text_of(number), positive=positive)
    except ValueError as error:
        raise FieldError(field, found=text_of(number), allowed=str(error)) from error


def _rate(rate: Decimal) -> Decimal:
    """A funding rate, which may be negative."""
    size = _bounded("r", abs(rate), positive=False)
    return -size if rate < 0 else size

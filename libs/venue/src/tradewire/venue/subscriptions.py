"""What a WebSocket connection has subscribed to, and the messages that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tradewire.binance.market_streams import (
    OF_THE_MARKET,
    AggTrade,
    BinanceTrade,
    BookTicker,
    DepthUpdate,
    ForcedOrder,
    ForceOrder,
    Kline,
    MarkPriceUpdate,
)
from tradewire.binance.orders import Execution
from tradewire.binance.streams import (
    STREAMS_PER_CONNECTION_MAX,
    Route,
    StreamName,
    enveloped,
    stream_name,
)
from tradewire.binance.user_stream import ListenKeyExpired, OrderTradeUpdate
from tradewire.binance.wire import FieldError, Wire
from tradewire.ports.intervals import INTERVALS_US
from tradewire.venue.market import SymbolMarket
from tradewire.venue.venue import Venue

INVALID: Final = 2
"""Code of a request that can't be understood. Source: Binance docs, "Live Subscribing/Unsubscribing to streams"."""
Send = Callable[[Any], None]


class SubscriptionError(Exception):
    """A stream that can't be subscribed to on this connection."""


@dataclass(slots=True)
class Subscriptions:
    """One connection's streams. ``combined``: whether messages come in an envelope; ``send`` takes each message."""

    venue: Venue
    route: Route
    combined: bool
    send: Send
    streams: dict[str, StreamName] = field(default_factory=dict)
    listen_keys: set[str] = field(default_factory=set)
    _next_close_us: dict[str, int] = field(default_factory=dict)
    _next_mark_ms: dict[str, int] = field(default_factory=dict)

    def add(self, names: list[str]) -> None:
        """Subscribe to streams, or to the user stream by its listen key. Raises SubscriptionError, and adds none."""
        found: dict[str, StreamName] = {}
        for name in names:
            if self.route is Route.PRIVATE:
                if not self.venue.listen_keys.is_valid(name):
                    raise SubscriptionError(f"Invalid listenKey {name!r}")
                continue
            found[name] = self._named(name)
        if len(self.streams | found) > STREAMS_PER_CONNECTION_MAX:
            raise SubscriptionError(f"Found more than {STREAMS_PER_CONNECTION_MAX} streams on a connection")
        if self.route is Route.PRIVATE:
            self.listen_keys |= set(names)
        self.streams |= found

    def _named(self, name: str) -> StreamName:
        try:
            stream = stream_name(name)
        except FieldError as error:
            raise SubscriptionError(str(error)) from error
        if stream.symbol and stream.symbol not in self.venue.markets:
            raise SubscriptionError(f"Invalid symbol in {name!r}")
        if stream.route is not self.route:
            raise SubscriptionError(f"{name!r} is served under /{stream.route}, not /{self.route}")
        if stream.kind.startswith("kline_") and stream.kind.removeprefix("kline_") not in INTERVALS_US:
            raise SubscriptionError(f"Invalid interval in {name!r}")
        return stream

    def remove(self, names: list[str]) -> None:
        """Unsubscribe; names that are not subscribed to are passed over."""
        for name in names:
            self.streams.pop(name, None)
            self.listen_keys.discard(name)

    # ---- messages ----

    def on_market(self, event: Wire) -> None:
        """Pass on what the market streams say."""
        for name, stream in list(self.streams.items()):
            for message in self._of_stream(stream, event):
                self._send(name, message)

    def on_user(self, event: Wire) -> None:
        """Pass on what the user stream says, by every listen key that is valid."""
        for key in list(self.listen_keys):
            self._send(key, event)
        if isinstance(event, OrderTradeUpdate) and event.order.execution == Execution.CALCULATED:
            self.on_market(_forced(event))

    def expire(self) -> None:
        """Tell and forget listen keys that have run out."""
        for key in list(self.listen_keys):
            if not self.venue.listen_keys.is_valid(key):
                self.listen_keys.discard(key)
                self._send(key, ListenKeyExpired(event_time_ms=self.venue.now_ms(), listen_key=key))

    def _send(self, name: str, event: Wire) -> None:
        message = event.write()
        self.send(enveloped(name, message) if self.combined else message)

    def _of_stream(self, stream: StreamName, event: Wire) -> Iterator[Wire]:
        """What an event means for a stream."""
        symbol = getattr(event, "symbol", None) or getattr(getattr(event, "order", None), "symbol", None)
        if stream.symbol and stream.symbol != symbol:
            return
        kind = stream.kind
        match event:
            case AggTrade() if kind == "aggTrade":
                yield event
            case BinanceTrade() if kind == "trade":
                yield event
            case Kline(kline=candle) if kind == f"kline_{candle.interval}":
                yield event
            case MarkPriceUpdate() if kind.startswith(("markPrice", "!markPrice")):
                yield event
            case AggTrade() if not self._market(event.symbol).recorded:
                yield from self._of_move(stream, event)
            case DepthUpdate() if kind.startswith("depth"):
                yield self._depth(kind, event)
            case BookTicker() if kind in ("bookTicker", "!bookTicker"):
                yield event
            case ForceOrder() if kind in ("forceOrder", "!forceOrder@arr"):
                yield event

    def _of_move(self, stream: StreamName, event: AggTrade) -> Iterator[Wire]:
        """What a move of a market that is not recorded means for a stream."""
        if stream.kind == "trade":
            yield _single(event)
        elif stream.kind.startswith("kline_"):
            yield from self._klines(stream, event)
        elif stream.kind.startswith(("markPrice", "!markPrice")):
            yield from self._marks(stream, event)

    def _klines(self, stream: StreamName, event: AggTrade) -> Iterator[Wire]:
        """Each candle that has closed since, once, then the one that is open."""
        market, interval = self._market(stream.symbol), stream.kind.removeprefix("kline_")
        length_us, now_us = INTERVALS_US[interval], market.changed_us
        close_us = self._next_close_us.get(stream.text, (now_us - 1) // length_us * length_us + length_us)
        while close_us <= now_us:
            closed = market.kline(interval, close_us, closed=True)
            if closed is not None:
                yield closed
            close_us += length_us
        self._next_close_us[stream.text] = close_us
        still_open = market.kline(interval, now_us, closed=False) if now_us % length_us else None
        if still_open is not None:
            yield still_open

    def _marks(self, stream: StreamName, event: AggTrade) -> Iterator[MarkPriceUpdate]:
        """Once a second, or every three."""
        every_ms = 1000 if stream.kind.endswith("@1s") else 3000
        key = f"{stream.text} {event.symbol}"
        if event.event_time_ms >= self._next_mark_ms.get(key, 0):
            self._next_mark_ms[key] = event.event_time_ms // every_ms * every_ms + every_ms
            yield self._market(event.symbol).mark_update(event.event_time_ms)

    def _depth(self, kind: str, event: DepthUpdate) -> DepthUpdate:
        """The change, or the best levels where some were asked for."""
        levels = kind.partition("@")[0].removeprefix("depth")
        if not levels:
            return event
        market, count = self._market(event.symbol), int(levels)
        return DepthUpdate(
            event_time_ms=event.event_time_ms,
            transaction_time_ms=event.transaction_time_ms,
            symbol=event.symbol,
            first_update_id=event.first_update_id,
            last_update_id=event.last_update_id,
            previous_update_id=event.previous_update_id,
            bids=tuple(sorted(market.bids.items(), reverse=True)[:count]),
            asks=tuple(sorted(market.asks.items())[:count]),
        )

    def _market(self, symbol: str) -> SymbolMarket:
        return self.venue.markets[symbol]


def _single(event: AggTrade) -> BinanceTrade:
    return BinanceTrade(
        event_time_ms=event.event_time_ms,
        trade_time_ms=event.trade_time_ms,
        symbol=event.symbol,
        trade_id=event.trade_id,
        price=event.price,
        qty=event.qty,
        kind=OF_THE_MARKET,
        buyer_is_maker=event.buyer_is_maker,
    )


def _forced(event: OrderTradeUpdate) -> ForceOrder:
    order = event.order
    return ForceOrder(
        event_time_ms=event.event_time_ms,
        order=ForcedOrder(
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            qty=order.qty,
            price=order.price,
            average_price=order.average_price,
            status=order.status,
            last_filled_qty=order.last_filled_qty,
            filled_qty=order.filled_qty,
            trade_time_ms=order.trade_time_ms,
        ),
    )

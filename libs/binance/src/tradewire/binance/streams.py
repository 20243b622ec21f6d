"""Which message a stream brings, what streams are called and where they are served.

Source: Binance docs, "Connect" and "Important WebSocket Change Notice" (2026-03-06: ``/public``, ``/market``,
``/private``; the undivided addresses ended on 2026-04-23); "Live Subscribing/Unsubscribing to streams".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.market_streams import MARKET_EVENTS
from tradewire.binance.user_stream import USER_EVENTS
from tradewire.binance.wire import FieldError, Json, Wire

EVENTS: Final[Mapping[str, type[Wire]]] = MappingProxyType({cls.EVENT: cls for cls in (*MARKET_EVENTS, *USER_EVENTS)})
"""Value of ``e`` → class."""
CONNECTION_LIFE_MS: Final = 24 * 3_600_000
LISTEN_KEY_LIFE_MS: Final = 60 * 60_000
PING_EVERY_S: Final = 180.0
PONG_WITHIN_S: Final = 600.0
STREAMS_PER_CONNECTION_MAX: Final = 1024
MESSAGES_PER_SECOND_MAX: Final = 10
"""From the client; more and it is disconnected."""


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A message of a type that is not known here, as it came. ``event`` is "" where it names none."""

    event: str
    message: Any


@dataclass(slots=True)
class Unknowns:
    """How often what was seen that is not known: events by type, fields by ``event.field``."""

    events: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)


def read_messages(message: Any, unknowns: Unknowns | None = None) -> Iterator[Wire | UnknownEvent]:
    """What one WebSocket message says, bare or in the envelope of a combined stream; lists one by one.

    Raises FieldError when a known event lacks a field that it must have.
    """
    data = message.get("data", message) if isinstance(message, Mapping) else message
    for item in data if isinstance(data, list) else [data]:
        event = read_event(item)
        if unknowns is not None:
            _count(event, unknowns)
        yield event


def read_event(item: Any) -> Wire | UnknownEvent:
    """One event. Raises FieldError as `read_messages`."""
    name = item.get("e") if isinstance(item, Mapping) else None
    known = EVENTS.get(name) if isinstance(name, str) else None
    return UnknownEvent(str(name or ""), item) if known is None else known.read(item)


def _count(event: Wire | UnknownEvent, unknowns: Unknowns) -> None:
    if isinstance(event, UnknownEvent):
        unknowns.events[event.event] += 1
    else:
        unknowns.fields.update(f"{event.EVENT}.{name}" for name in event.unknown())


def write_event(event: Wire | UnknownEvent) -> Any:
    """The event as it was read."""
    return event.message if isinstance(event, UnknownEvent) else event.write()


def enveloped(stream: str, data: Json) -> dict[str, Any]:
    """A message of a combined stream."""
    return {"stream": stream, "data": data}


class Route(StrEnum):
    """The part of the address that a stream is served under."""

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"


_ROUTES: Final = (
    (re.compile(r"depth(5|10|20)?(@(100|250|500)ms)?|bookTicker"), Route.PUBLIC),
    (re.compile(r"aggTrade|trade|kline_\w+|markPrice(@1s)?|forceOrder|ticker|miniTicker"), Route.MARKET),
)
_WHOLE_MARKET: Final = {
    "!bookTicker": Route.PUBLIC,
    "!markPrice@arr": Route.MARKET,
    "!markPrice@arr@1s": Route.MARKET,
    "!ticker@arr": Route.MARKET,
    "!miniTicker@arr": Route.MARKET,
    "!forceOrder@arr": Route.MARKET,
}


@dataclass(frozen=True, slots=True)
class StreamName:
    """A market stream: of one symbol (upper case; "" for all) and a kind such as ``kline_1m`` or ``depth@100ms``."""

    symbol: str
    kind: str
    route: Route

    @property
    def text(self) -> str:
        """As it is subscribed to."""
        return f"{self.symbol.lower()}@{self.kind}" if self.symbol else self.kind


def stream_name(text: str) -> StreamName:
    """The stream that ``text`` names. Raises FieldError."""
    if text in _WHOLE_MARKET:
        return StreamName("", text, _WHOLE_MARKET[text])
    symbol, _, kind = text.partition("@")
    for pattern, route in _ROUTES:
        if symbol and symbol == symbol.lower() and pattern.fullmatch(kind):
            return StreamName(symbol.upper(), kind, route)
    raise FieldError("stream", found=repr(text), allowed="<symbol in lower case>@<kind>, e.g. btcusdt@kline_1m")

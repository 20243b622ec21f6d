"""Faults that a venue shows on demand: read from a file, drawn by a seed.

A fault is one of `KINDS`. Those of calls and messages happen with a probability; those of the market at a time, seconds
of the venue's time after its start. Nothing happens that the file does not name.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

import yaml

from tradewire.ports.errors import FatalError

CALLS: Final = ("reply_lost", "unavailable", "timed_out", "reply_late")
SOCKET_CALLS: Final = ("reply_twice",)
MESSAGES: Final = ("event_lost", "event_twice", "event_late", "depth_dropped")
ORDERS: Final = ("expired_in_match", "partial_fill")
MARKET: Final = ("silent", "clock", "halt", "list", "delist", "filters", "thin_book", "liquidation", "adl")
OF_A_SYMBOL: Final = frozenset(MARKET) - {"silent", "clock"}
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reply_lost": "the request is carried out and the connection cut",
        "unavailable": "HTTP 503; carried out or not, by the seed",
        "timed_out": "HTTP 408 with -1007; carried out or not, by the seed",
        "reply_late": "carried out at once, answered after seconds",
        "reply_twice": "a request of the WebSocket API is answered twice",
        "event_lost": "a message of the user stream is not sent",
        "event_twice": "a message of the user stream is sent twice",
        "event_late": "a message of the user stream comes after the one that follows it",
        "depth_dropped": "a change of the book is not sent",
        "expired_in_match": "a new order ends as EXPIRED_IN_MATCH",
        "partial_fill": "a new order fills to a share at once; the rest of a MARKET or IOC order expires",
        "silent": "for seconds no stream says anything",
        "clock": "for seconds the venue's clock is ahead_ms off",
        "halt": "for seconds a symbol takes no orders, does not move and has no candles",
        "list": "a symbol that was not listed until then is",
        "delist": "a symbol settles and is no longer listed",
        "filters": "a symbol's tick_size, step_size or min_notional changes",
        "thin_book": "for seconds a MARKET order of a symbol fills no more than the book shows",
        "liquidation": "the venue closes a symbol's position, as in a liquidation",
        "adl": "the venue closes a symbol's position, as in auto-deleveraging",
    }
)
"""Kind → what happens."""
DEFAULT_CALLS: Final = frozenset(
    {"POST /fapi/v1/order", "DELETE /fapi/v1/order", "PUT /fapi/v1/order", "POST /fapi/v1/algoOrder"}
    | {"DELETE /fapi/v1/algoOrder", "POST /fapi/v1/batchOrders"}
)
"""Calls that a fault without ``call`` strikes."""


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """One line of the file. Times in seconds; ``times``: how often at most, 0 for no bound."""

    kind: str
    probability: float = 1.0
    times: int = 0
    call: str = ""
    at_s: float = 0.0
    seconds: float = 0.0
    symbol: str = ""
    ahead_ms: int = 0
    share: Decimal = Decimal("0.5")
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_notional: Decimal | None = None


@dataclass(slots=True)
class FaultPlan:
    """The faults of a file and the dice that draw them. ``struck``: how often each has happened, by its place."""

    faults: tuple[ScriptedFault, ...] = ()
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    struck: dict[int, int] = field(default_factory=dict)

    def of_call(self, method: str, path: str, *, socket: bool = False) -> ScriptedFault | None:
        """The fault that strikes a call, if one does. ``socket``: one of the WebSocket API."""
        call, kinds = f"{method} {path}", (*CALLS, *SOCKET_CALLS) if socket else CALLS
        return self._draw(kinds, lambda fault: call == fault.call if fault.call else call in DEFAULT_CALLS)

    def of_message(self, kind: str, symbol: str = "") -> bool:
        """Whether a fault of this kind strikes a message or an order, one of a symbol where the fault names it."""
        return self._draw((kind,), lambda fault: fault.symbol in ("", symbol)) is not None

    def share_of_fill(self, symbol: str) -> Decimal | None:
        """The share of a new order that fills at once, where a fault strikes it."""
        fault = self._draw(("partial_fill",), lambda fault: fault.symbol in ("", symbol))
        return None if fault is None else fault.share

    def carried_out(self) -> bool:
        """Whether a request whose outcome nobody knows was carried out."""
        return self.dice.random() < 0.5

    def at_times(self) -> list[ScriptedFault]:
        """Faults of the market, by their time."""
        return sorted((fault for fault in self.faults if fault.kind in MARKET), key=lambda fault: fault.at_s)

    def _draw(self, kinds: tuple[str, ...], fits: Any) -> ScriptedFault | None:
        for place, fault in enumerate(self.faults):
            if fault.kind not in kinds or not fits(fault):
                continue
            if fault.times and self.struck.get(place, 0) >= fault.times:
                continue
            if self.dice.random() < fault.probability:
                self.struck[place] = self.struck.get(place, 0) + 1
                return fault
        return None


def parse_faults(text: str, source: str, *, seed: int) -> FaultPlan:
    """The plan that a YAML text writes: a list under ``faults``. Raises FatalError that names entry and field."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FatalError(f"{source}: can't be read: {error}") from error
    entries = document.get("faults") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FatalError(f"{source}: found no list under the key 'faults'")
    read = tuple(_fault(entry, f"{source}: fault {number}") for number, entry in enumerate(entries, start=1))
    return FaultPlan(read, random.Random(seed))  # noqa: S311


def _fault(entry: object, where: str) -> ScriptedFault:
    if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
        found = entry.get("kind") if isinstance(entry, dict) else entry
        raise FatalError(f"{where}: kind: found {found!r}, allowed: {', '.join(KINDS)}")
    known = {item.name for item in fields(ScriptedFault)}
    if unknown := sorted(set(entry) - known):
        raise FatalError(f"{where}: found {', '.join(map(str, unknown))}, allowed: {', '.join(sorted(known))}")
    fault = ScriptedFault(**{name: _value(name, value, where) for name, value in entry.items()})
    if fault.kind in OF_A_SYMBOL and not fault.symbol:
        raise FatalError(f"{where}: symbol: found none, allowed is a listed one")
    if not 0 < fault.share < 1:
        raise FatalError(f"{where}: share: found {fault.share}, allowed is a number between 0 and 1")
    if not 0 <= fault.probability <= 1 or fault.at_s < 0 or fault.seconds < 0 or fault.times < 0:
        raise FatalError(f"{where}: allowed is a probability from 0 to 1, and no time or count below 0")
    return fault


def _value(name: str, value: object, where: str) -> Any:
    """A field's value in its kind. Raises FatalError."""
    kinds = {"kind": str, "call": str, "symbol": str, "times": int, "ahead_ms": int}
    try:
        if name in ("tick_size", "step_size", "min_notional", "share"):
            number = Decimal(str(value))
            if not number.is_finite() or number <= 0:
                raise ValueError
            return number
        if name in kinds:
            if isinstance(value, bool) or not isinstance(value, kinds[name]):
                raise ValueError
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        return float(value)
    except (ValueError, InvalidOperation) as error:
        raise FatalError(f"{where}: {name}: found {value!r}, allowed is {_ALLOWED.get(name, 'a number')}") from error


_ALLOWED: Final = MappingProxyType(
    {
        "call": "a call such as 'POST /fapi/v1/order'",
        "symbol": "a listed symbol",
        "times": "a whole number",
        "ahead_ms": "a whole number",
        "tick_size": "a number > 0",
        "step_size": "a number > 0",
        "min_notional": "a number > 0",
        "share": "a number between 0 and 1",
    }
)

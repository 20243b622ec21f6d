"""Where the candles of a live market come from: Binance's own protocol by WebSocket, or polling through ccxt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx

LIVE_VENUE: Final = "binance"
EXCHANGES: Final = {LIVE_VENUE: "binanceusdm"}
"""ccxt's id of a venue, where it is called otherwise: Binance's USDⓈ-M futures."""
SOURCE, REST, WS, NETWORK = (
    "TRADEWIRE_MARKET_SOURCE",
    "TRADEWIRE_BINANCE_REST_URL",
    "TRADEWIRE_BINANCE_WS_URL",
    "TRADEWIRE_BINANCE_NETWORK",
)
LISTING = "/fapi/v1/exchangeInfo"
ANSWER_SECONDS: Final = 5.0
SHOWN_MAX: Final = 10
"""Symbols that an error names."""
_WEB_SOCKET: Final = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class LiveVenue:
    """A venue to follow. ``named``: settings that its name or address stands for; ``assumed``: others that go with
    them, unless the user has set them.
    """

    name: str
    source: Literal["binance", "ccxt"]
    named: Mapping[str, str] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """How the source's settings of ingest begin."""
        return f"TRADEWIRE_{self.source.upper()}_"

    @property
    def text(self) -> str:
        """For people."""
        where = self.named.get(REST, self.name)
        return f"{where}, by {'WebSocket' if self.source == 'binance' else 'polling'}"


def is_address(venue: str) -> bool:
    """Is this where a venue is, rather than what it is called?"""
    return "://" in venue


def live_venue(asked: str | None, environ: Mapping[str, str]) -> LiveVenue:
    """The venue that was asked for: an address, ``binance``, or another id of ccxt. None: ``binance``.

    Binance is polled where a setting says so. Raises ValueError for what can't be followed.
    """
    if asked is not None and is_address(asked):
        return _at(asked)
    name, source = asked or LIVE_VENUE, environ.get(SOURCE)
    if name != LIVE_VENUE and source == "binance":
        raise ValueError(
            f"found {name}, allowed with {SOURCE}=binance: {LIVE_VENUE}, or the address of a venue with its protocol, "
            f"e.g. http://127.0.0.1:8545; other venues are polled, with {SOURCE}=ccxt or without it"
        )
    polled = source == "ccxt" or (source is None and any(key.startswith("TRADEWIRE_CCXT_") for key in environ))
    if name != LIVE_VENUE or polled:
        exchange = EXCHANGES.get(name, name)
        return LiveVenue(name, "ccxt", {"TRADEWIRE_CCXT_EXCHANGE": exchange, "TRADEWIRE_CCXT_VENUE": name})
    return LiveVenue(name, "binance", assumed={} if REST in environ else {NETWORK: "mainnet"})


def _at(address: str) -> LiveVenue:
    """A venue with Binance's protocol. Raises ValueError for an address that is none."""
    parts = urlsplit(address)
    if parts.scheme not in _WEB_SOCKET or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"found {address}, allowed http://HOST:PORT or https://HOST, as `tradewire venue` says")
    rest = f"{parts.scheme}://{parts.netloc}"
    return LiveVenue(
        LIVE_VENUE, "binance", {NETWORK: "local", REST: rest, WS: f"{_WEB_SOCKET[parts.scheme]}://{parts.netloc}"}
    )


def hold_listed(rest: str, symbols: Sequence[str]) -> None:
    """Raise ValueError unless a venue with Binance's protocol is there, and lists the symbols."""
    said = "allowed a venue with the protocol of Binance USDⓈ-M futures, as `tradewire venue` is"
    try:
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = client.get(rest + LISTING)
        listed = [str(row["symbol"]) for row in answer.json()["symbols"]] if answer.is_success else None
    except httpx.HTTPError as error:
        raise ValueError(f"{rest}{LISTING}: {type(error).__name__}: {error}; {said}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{rest}{LISTING}: found {answer.text[:60]!r}; {said}") from error
    if listed is None:
        raise ValueError(f"{rest}{LISTING}: found HTTP {answer.status_code}; {said}")
    if unknown := [symbol for symbol in symbols if symbol not in listed]:
        more = ", …" if len(listed) > SHOWN_MAX else ""
        shown = ", ".join(listed[:SHOWN_MAX]) + more
        raise ValueError(f"{rest}: found symbol {', '.join(unknown)}, allowed one that it lists: {shown or 'none'}")

"""The door of REST and WebSocket API: limits, then key, timestamp and signature.

Source: Binance docs, "General Info": LIMITS, Endpoint Security Type, Timing Security.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tradewire.binance.errors import HTTP_BANNED, HTTP_RATE_LIMITED, ErrorCode
from tradewire.binance.limits import (
    BAN_MS_LEAST,
    BAN_MS_MOST,
    ORDER_COUNT_10S_HEADER,
    ORDER_COUNT_MINUTE_HEADER,
    ORDERS_10S_LIMIT,
    ORDERS_LIMIT,
    RETRY_AFTER_HEADER,
    USED_WEIGHT_HEADER,
    WEIGHT_LIMIT,
    Endpoint,
    RateLimit,
)
from tradewire.binance.signatures import AHEAD_MS_MAX, RECV_WINDOW_MS, RECV_WINDOW_MS_MAX
from tradewire.venue.keys import ApiKeys
from tradewire.venue.refusal import Parameters, VenueRefusedError

TOLERATED: Final = 10
"""Requests after a 429, in the same minute, before the address is banned."""


@dataclass(slots=True)
class Counter:
    """How much of a limit is used in the present interval."""

    limit: RateLimit
    window: int = -1
    used: int = 0

    def add(self, amount: int, now_ms: int) -> bool:
        """Use some; whether the limit still holds."""
        window = now_ms // self.limit.interval_ms
        if window != self.window:
            self.window, self.used = window, 0
        self.used += amount
        return self.used <= self.limit.limit

    def wait_s(self, now_ms: int) -> int:
        """Seconds until the interval ends, rounded up."""
        left_ms = (self.window + 1) * self.limit.interval_ms - now_ms
        return -(-left_ms // 1000)


@dataclass(slots=True)
class Address:
    """What one address has used. ``over``: requests since it was told 429; ``bans``: how often it was banned."""

    weight: Counter = field(default_factory=lambda: Counter(WEIGHT_LIMIT))
    over: int = 0
    bans: int = 0
    banned_until_ms: int = 0


@dataclass(slots=True)
class Gate:
    """Counts and checks requests. Limits and timestamps go by ``now_ms``, the venue's time, and ``machine_ms``.

    ``speed``: how fast the venue's time passes for its clients.
    """

    keys: ApiKeys
    now_ms: Callable[[], int]
    machine_ms: Callable[[], int]
    speed: float = 1.0
    addresses: dict[str, Address] = field(default_factory=dict)
    orders_minute: Counter = field(default_factory=lambda: Counter(ORDERS_LIMIT))
    orders_10s: Counter = field(default_factory=lambda: Counter(ORDERS_10S_LIMIT))

    def weigh(self, address: str, weight: int) -> None:
        """Count a request. Raises RefusedError with 429, and 418 for an address that goes on."""
        now_ms, known = self.now_ms(), self.addresses.setdefault(address, Address())
        if known.banned_until_ms > now_ms:
            raise self._banned(known, now_ms)
        if known.weight.add(weight, now_ms):
            known.over = 0
            return
        known.over += 1
        if known.over > TOLERATED:
            known.bans += 1
            known.banned_until_ms = now_ms + min(BAN_MS_LEAST * 2 ** (known.bans - 1), BAN_MS_MOST)
            known.over = 0
            raise self._banned(known, now_ms)
        message = f"Too many requests; current limit of IP is {WEIGHT_LIMIT.limit} requests per minute."
        raise _limited(ErrorCode.TOO_MANY_REQUESTS, message, HTTP_RATE_LIMITED, known.weight.wait_s(now_ms))

    def _banned(self, known: Address, now_ms: int) -> VenueRefusedError:
        message = f"Way too many requests; IP banned until {known.banned_until_ms}."
        wait_s = -(-(known.banned_until_ms - now_ms) // 1000)
        return _limited(ErrorCode.TOO_MANY_REQUESTS, message, HTTP_BANNED, wait_s)

    def count_orders(self, orders: int) -> None:
        """Count new orders: each of a batch within 10 s, a batch once within a minute. Raises RefusedError."""
        now_ms = self.now_ms()
        if not self.orders_10s.add(orders, now_ms):
            raise _too_many_orders(self.orders_10s, now_ms)
        if not self.orders_minute.add(1, now_ms):
            raise _too_many_orders(self.orders_minute, now_ms)

    def headers(self, address: str, endpoint: Endpoint | None) -> dict[str, str]:
        """What is used, as every reply says."""
        known = self.addresses.get(address)
        told = {USED_WEIGHT_HEADER: str(known.weight.used if known else 0)}
        if endpoint is not None and endpoint.orders:
            told[ORDER_COUNT_10S_HEADER] = str(self.orders_10s.used)
            told[ORDER_COUNT_MINUTE_HEADER] = str(self.orders_minute.used)
        return told

    def check_signed(self, api_key: str, values: Mapping[str, str], payload: str) -> None:
        """Raises RefusedError for a bad key, signature or timestamp. ``payload``: what was signed."""
        verifier, request = self.keys.of(api_key), Parameters(values)
        timestamp_ms = request.integer("timestamp")
        window_ms = request.integer("recvWindow", RECV_WINDOW_MS)
        if window_ms > RECV_WINDOW_MS_MAX:
            message = f"recvWindow must be less than {RECV_WINDOW_MS_MAX}"
            raise VenueRefusedError(ErrorCode.INVALID_PARAMETER, message)
        if not verifier.accepts(payload, request.text("signature")):
            raise VenueRefusedError(ErrorCode.INVALID_SIGNATURE)
        self._check_time(timestamp_ms, window_ms)

    def _check_time(self, timestamp_ms: int, window_ms: int) -> None:
        """Where the venue's time is turned, a timestamp of the machine's time is taken as well.

        ``machine_ms`` is then the machine's time, else the venue's. A client that asked for the venue's time goes on by
        its own clock, so the window of the venue's time is as long as it is for that clock.
        """
        for now_ms, speed in ((self.now_ms(), max(self.speed, 1.0)), (self.machine_ms(), 1.0)):
            if now_ms - window_ms * speed <= timestamp_ms < now_ms + AHEAD_MS_MAX:
                return
        ahead_ms = timestamp_ms - self.now_ms()
        message = f"Timestamp for this request was {ahead_ms}ms ahead of the server's time." if ahead_ms > 0 else None
        raise VenueRefusedError(ErrorCode.INVALID_TIMESTAMP, message)


def _limited(code: ErrorCode, message: str, status: int, wait_s: int) -> VenueRefusedError:
    refused = VenueRefusedError(code, message, status=status)
    refused.headers[RETRY_AFTER_HEADER] = str(wait_s)
    return refused


def _too_many_orders(counter: Counter, now_ms: int) -> VenueRefusedError:
    limit = counter.limit
    per = f"{limit.interval_num} {limit.interval}"
    message = f"Too many new orders; current limit is {limit.limit} orders per {per}."
    return _limited(ErrorCode.TOO_MANY_ORDERS, message, HTTP_RATE_LIMITED, counter.wait_s(now_ms))

"""Signed calls to the REST interface of Binance USDⓈ-M futures.

The outcome is judged by HTTP status and error code alone (``domain.venue_errors``), which a client library hides behind
exceptions of its own (ADR 34).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tradewire.binance.addresses import Addresses
from tradewire.binance.errors import CREDENTIALS, HTTP_BANNED, HTTP_RATE_LIMITED, ErrorCode
from tradewire.binance.limits import (
    BY_CALL,
    ORDERS_10S_LIMIT,
    ORDERS_LIMIT,
    RETRY_AFTER_HEADER,
    USED_WEIGHT_HEADER,
    WEIGHT_LIMIT,
    Endpoint,
    RateLimit,
)
from tradewire.binance.signatures import API_KEY_HEADER, RECV_WINDOW_MS, Credentials
from tradewire.binance.wire import FieldError, Wire, text_of
from tradewire.execution.domain.venue_errors import VenueFailure
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.runtime.rate_budget.budget import Charge, Lane, RateBudget

TIMEOUT_S: Final = 10.0
"""For a whole call. Binance gives up on an order after its own 10 s (-1007)."""
ORDER_WAIT_S, READ_WAIT_S = 1.0, 10.0
"""Longest waits for the address's budget. An order that waits longer is stale, and a cancel must not wait behind it; a
heavy read needs some time in which nobody else asks.
"""
KEY_SHOWN: Final = 8
"""Characters of an API key that tell accounts apart."""
PAUSE_S: Final = 60.0
"""After 429 or 418 without ``Retry-After``: a limit's interval."""

W = TypeVar("W", bound=Wire)
_log = logging.getLogger(__name__)


class FailedCallError(Exception):
    """A call that was not answered with success."""

    def __init__(self, call: str, failure: VenueFailure) -> None:
        said = f"HTTP {failure.http_status}, code {failure.code}: {failure.message}"
        super().__init__(f"{call}: {said}")
        self.failure = failure


class BinanceRest:
    """Calls under one API key.

    A request carries the venue's time as far as it is known; it is asked for anew when the venue refuses a timestamp.
    After 429 or 418 no call leaves until the venue allows it.
    """

    def __init__(self, addresses: Addresses, credentials: Credentials, clock: ClockPort, budget: RateBudget) -> None:
        self.addresses, self._credentials, self._clock = addresses, credentials, clock
        self._budget, self._orders = budget, credentials.api_key[:KEY_SHOWN]
        self._session: aiohttp.ClientSession | None = None
        self._ahead_us: int | None = None
        self._paused_until_us = 0

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made when it is first used: it belongs to the running loop."""
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=True, trust_env=False)
        return self._session

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()

    async def time_us(self) -> int:
        """The venue's clock. Raises RetryableError."""
        asked_us = self._clock.now_us()
        told = await self.ask("GET", "/fapi/v1/time")
        told_us = int(told["serverTime"]) * 1000
        self._ahead_us = told_us - (asked_us + self._clock.now_us()) // 2
        return told_us

    async def ask(self, method: str, path: str, **params: Any) -> Any:
        """A read, or a change that may be made again. Raises RetryableError when it failed, FatalError for bad keys.

        Refusals that answer what was asked for are raised as FailedCallError.
        """
        try:
            return await self._in_time(method, path, params)
        except FailedCallError as error:
            failure = error.failure
            if failure.code in CREDENTIALS:
                raise FatalError(str(error)) from error
            if failure.code in ANSWERS:
                raise
            raise RetryableError(str(error)) from error

    async def ask_of(self, symbol: str, path: str, **params: Any) -> Any | None:
        """A read of one symbol; None where the venue does not list it, or not any more. Raises as ``ask``."""
        try:
            return await self.ask("GET", path, symbol=symbol, **params)
        except RetryableError as error:
            if isinstance(error.__cause__, FailedCallError) and error.__cause__.failure.code == ErrorCode.BAD_SYMBOL:
                _log.warning("%s: %s", symbol, error)
                return None
            raise

    async def _in_time(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        """The same, once more where the venue refused the timestamp."""
        try:
            return await self.send(method, path, params)
        except FailedCallError as error:
            if error.failure.code != ErrorCode.INVALID_TIMESTAMP:
                raise
            await self.time_us()
            return await self.send(method, path, params)

    async def send(self, method: str, path: str, params: Mapping[str, Any], asked_us: int | None = None) -> Any:
        """Send a call once. Raises FailedCallError.

        ``asked_us``: the time that it carries, by our clock; None: now. It is refused when it arrives 5 s later.
        """
        call, endpoint = f"{method} {path}", BY_CALL[method, path]
        self._check_pause(call)
        if endpoint.security == "SIGNED" and self._ahead_us is None:
            await self._learn_time(call)
        await self._charge(call, endpoint, params)
        query = self._query(params, asked_us, signed=endpoint.security == "SIGNED")
        headers = {} if endpoint.security == "NONE" else {API_KEY_HEADER: self._credentials.api_key}
        host = self.addresses.wallet if path.startswith("/sapi/") else self.addresses.rest
        address = URL(f"{host}{path}" + (f"?{query}" if query else ""), encoded=True)  # signed as it stands
        try:
            request = self.session.request(method, address, headers=headers, allow_redirects=False)
            async with request as response:
                text = await response.text()
        except aiohttp.ClientConnectorError as error:
            raise FailedCallError(call, VenueFailure(message=f"no connection: {error}", sent=False)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FailedCallError(call, VenueFailure(message=f"{type(error).__name__}: {error}")) from error
        await self._told(response)
        return self._judge(call, response, text)

    async def _charge(self, call: str, endpoint: Endpoint, params: Mapping[str, Any]) -> None:
        """Take what the call weighs from the address's budget. Raises FailedCallError when there is no room soon."""
        told = {name: _text(value) for name, value in params.items() if value is not None}
        charges = [_weighed(weight)] if (weight := endpoint.weight(told)) else []
        if endpoint.orders:
            charges += [_ordered(self._orders, limit) for limit in (ORDERS_10S_LIMIT, ORDERS_LIMIT)]
        wait_s = ORDER_WAIT_S if endpoint.orders else READ_WAIT_S
        try:
            async with asyncio.timeout(wait_s):
                await self._budget.take(lane_of(endpoint, params), charges)
        except TimeoutError as error:
            message = f"the rate budget has no room within {wait_s:.0f} s"
            raise FailedCallError(call, VenueFailure(message=message, sent=False)) from error

    async def _told(self, response: aiohttp.ClientResponse) -> None:
        """Hand on what the venue counts for the address."""
        used = response.headers.get(USED_WEIGHT_HEADER, "")
        if used.isascii() and used.isdigit():
            await self._budget.told(_weighed(0), int(used))
        if response.status in (HTTP_RATE_LIMITED, HTTP_BANNED):
            wait_s = self._pause(response)
            await self._budget.stop(_weighed(0), wait_s)

    def _query(self, params: Mapping[str, Any], asked_us: int | None, *, signed: bool) -> str:
        told = {name: _text(value) for name, value in params.items() if value is not None}
        if not signed:
            return urlencode(told)
        time_us = self._clock.now_us() if asked_us is None else asked_us
        time_ms = (time_us + (self._ahead_us or 0)) // 1000
        query = urlencode(told | {"recvWindow": str(RECV_WINDOW_MS), "timestamp": str(time_ms)})
        return f"{query}&{urlencode({'signature': self._credentials.signer.sign(query)})}"

    def _judge(self, call: str, response: aiohttp.ClientResponse, text: str) -> Any:
        """The body of a success. Raises FailedCallError for anything else."""
        try:
            body = json.loads(text, parse_float=Decimal)
        except ValueError as error:
            failure = VenueFailure(response.status, 0, f"no JSON: {text[:200]}")
            raise FailedCallError(call, failure) from error
        if response.status == 200:
            return body
        refusal = body if isinstance(body, dict) else {}
        code, message = refusal.get("code", 0), str(refusal.get("msg", text[:200]))
        if code == ErrorCode.INVALID_TIMESTAMP:
            self._ahead_us = None  # asked for anew before the next signed call
        raise FailedCallError(call, VenueFailure(response.status, code if isinstance(code, int) else 0, message))

    async def _learn_time(self, call: str) -> None:
        try:
            await self.time_us()
        except RetryableError as error:
            raise FailedCallError(call, VenueFailure(message=f"the venue's time: {error}", sent=False)) from error

    def _pause(self, response: aiohttp.ClientResponse) -> float:
        """Let no call leave for as long as the venue says; in seconds."""
        told = response.headers.get(RETRY_AFTER_HEADER, "")
        wait_s = float(told) if told.isascii() and told.isdigit() else PAUSE_S
        self._paused_until_us = self._clock.now_us() + round(wait_s * 1e6)
        _log.warning("HTTP %d: no call for %.0f s", response.status, wait_s)
        return wait_s

    def _check_pause(self, call: str) -> None:
        left_us = self._paused_until_us - self._clock.now_us()
        if left_us > 0:
            message = f"the venue limits this address for another {left_us / 1e6:.1f} s"
            raise FailedCallError(call, VenueFailure(message=message, sent=False))


def _weighed(weight: int) -> Charge:
    return Charge("weight", weight, WEIGHT_LIMIT.limit, WEIGHT_LIMIT.interval_ms / 1000)


def _ordered(whose: str, limit: RateLimit) -> Charge:
    """Orders are counted by account."""
    return Charge(f"orders {limit.interval_ms // 1000} s {whose}", 1, limit.limit, limit.interval_ms / 1000)


CLOSING: Final = frozenset({("LONG", "SELL"), ("SHORT", "BUY")})
"""``positionSide`` and ``side`` of an order that closes, in hedge mode."""


def lane_of(endpoint: Endpoint, params: Mapping[str, Any]) -> Lane:
    """Cancels first, then what reduces or asks, then what opens."""
    if endpoint.method == "DELETE" or endpoint.path.endswith("countdownCancelAll"):
        return Lane.CANCEL
    place = params.get("positionSide"), params.get("side")
    closes = params.get("reduceOnly") or "algoType" in params or place in CLOSING
    return Lane.OPEN if endpoint.orders and not closes else Lane.REDUCE


def read_reply(cls: type[W], told: Any) -> W:
    """A reply as a value. Raises RetryableError for one that lacks what it must have: it says nothing of the order."""
    try:
        return cls.read(told)
    except FieldError as error:
        raise RetryableError(f"{cls.__name__}: {error}") from error


ANSWERS: Final = frozenset({ErrorCode.NO_SUCH_ORDER, ErrorCode.CANCEL_REJECTED, ErrorCode.INVALID_LISTEN_KEY})
"""Refusals that answer a question; any other one says nothing of what was asked for."""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return text_of(value) if isinstance(value, Decimal) else str(value)

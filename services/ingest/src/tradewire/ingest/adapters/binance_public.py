"""Public market data of Binance USDⓈ-M futures by REST. Numbers stay the text that the venue sent."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tradewire.binance.errors import HTTP_BANNED, HTTP_RATE_LIMITED, HTTP_TIMEOUT, ErrorCode
from tradewire.binance.limits import (
    BY_CALL,
    FUNDING_LIMIT,
    FUNDING_PATHS,
    RETRY_AFTER_HEADER,
    USED_WEIGHT_HEADER,
    WEIGHT_LIMIT,
    RateLimit,
)
from tradewire.binance.replies import BinanceBracket, FundingInfo, FundingRate, SymbolBrackets
from tradewire.binance.signatures import API_KEY_HEADER, RECV_WINDOW_MS, Credentials
from tradewire.ingest.adapters.live_beside import SETTLEMENTS_PER_PAGE, MarksAndFunding, settlement
from tradewire.ingest.adapters.polling import Backoff, PollPolicy
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import LeverageBracket
from tradewire.ports.metrics import Figure
from tradewire.runtime.rate_budget.budget import Charge, Lane, RateBudget
from tradewire.trading.bars_csv import DecimalBar, RawBar

HOUR_US = 3_600_000_000
FUNDING_EVERY_US = 8 * HOUR_US
"""Of symbols without an interval of their own. Source: Binance docs, "Get Funding Rate Info"."""
SETTLEMENT_GRACE_US = 300_000_000
"""How long after its time a settlement is still asked for: the venue lists it some seconds late."""

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
_log = logging.getLogger(__name__)


class _FailedError(Exception):
    """A request without a usable answer; ``retry_after_s``: what the venue asks us to wait."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BinancePublic(MarksAndFunding):
    """Asks until there is an answer. Every call raises RetryableError after the policy's attempts, and FatalError at
    once where the venue refuses for good. A symbol that is not listed has no rows. Requests wait for the address's
    ``budget`` in the lane of data.
    """

    def __init__(
        self,
        base_url: str,
        interval: str,
        *,
        policy: PollPolicy,
        budget: RateBudget,
        credentials: Credentials | None = None,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._base_url, self._interval, self._policy, self._sleep = base_url.rstrip("/"), interval, policy, sleep
        self._budget, self._credentials = budget, credentials
        self._funding_us: dict[str, int] = {}
        self._tiers: dict[str, tuple[LeverageBracket, ...]] = {}
        self._backoff = Backoff(policy, rng or random.Random())  # noqa: S311
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections of this process to the venue."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        """Drop them."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        await self._budget.close()

    def figures(self) -> Iterator[Figure]:
        """What the budget tells of itself."""
        yield from self._budget.figures()

    async def time_ms(self) -> int:
        """The venue's time."""
        return await self._ask("time", "/fapi/v1/time", {}, lambda answer: int(answer["serverTime"]))

    async def symbols(self) -> dict[str, Mapping[str, Any]]:
        """``symbols`` of ``exchangeInfo``, by name."""
        return await self._ask(
            "exchangeInfo",
            "/fapi/v1/exchangeInfo",
            {},
            lambda answer: {row["symbol"]: row for row in answer["symbols"]},
        )

    async def brackets(self) -> dict[str, tuple[LeverageBracket, ...]]:
        """Maintenance tiers by symbol, which are told under a key only: none without one; once they were told, the
        last ones stand where a question fails.
        """
        if self._credentials is None:
            return {}
        path = "/fapi/v1/leverageBracket"
        try:
            told = await self._ask("brackets", path, {}, lambda rows: [*map(SymbolBrackets.read, rows)])
        except (RetryableError, FatalError) as error:
            if not self._tiers:
                raise
            _log.warning("binance: brackets can't be read, the last ones stand: %s", error)
        else:
            self._tiers = {item.symbol: tuple(map(_tier, item.brackets)) for item in told}
        return self._tiers

    async def klines(self, symbol: str, since_us: int, limit: int) -> list[RawBar]:
        """Up to ``limit`` candles from ``since_us`` on; the last may still be open."""
        query = self._span(symbol, since_us, limit)
        return await self._ask(f"klines of {symbol}", "/fapi/v1/klines", query, lambda rows: [*map(_raw, rows)])

    async def marks(self, symbol: str, since_us: int, count: int) -> list[DecimalBar]:
        """Mark candles; those without a price are left out."""
        query, path = self._span(symbol, since_us, count), "/fapi/v1/markPriceKlines"
        return await self._ask(
            f"mark klines of {symbol}", path, query, lambda rows: [_mark(row) for row in rows if all(row[1:5])]
        )

    async def learn_funding_intervals(self) -> None:
        """Ask how often each symbol settles."""
        told = await self._ask(
            "funding intervals", "/fapi/v1/fundingInfo", {}, lambda rows: [*map(FundingInfo.read, rows)]
        )
        self._funding_us = {item.symbol: item.interval_hours * HOUR_US for item in told}

    def may_have_settled(self, symbol: str, after_us: int, first_us: int, until_us: int) -> bool:
        """Whether a settlement lies among the candles, or shortly before them and is not told yet."""
        every_us = self._funding_us.get(symbol, FUNDING_EVERY_US)
        settled_us = until_us // every_us * every_us
        return settled_us > after_us and settled_us + SETTLEMENT_GRACE_US >= first_us

    async def settlements(self, symbol: str, since_us: int, until_us: int) -> list[tuple[int, Decimal]]:
        """The venue's list, page after page."""
        found: list[tuple[int, Decimal]] = []
        while since_us <= until_us:
            query = {"symbol": symbol, "startTime": since_us // 1000, "limit": SETTLEMENTS_PER_PAGE}
            told = await self._ask(
                f"funding of {symbol}", "/fapi/v1/fundingRate", query, lambda rows: [*map(FundingRate.read, rows)]
            )
            found += [settlement(item.time_ms, str(item.rate)) for item in told]
            if len(told) < SETTLEMENTS_PER_PAGE:
                break
            since_us = told[-1].time_ms * 1000 + 1000
        return found

    def _span(self, symbol: str, since_us: int, limit: int) -> dict[str, object]:
        return {"symbol": symbol, "interval": self._interval, "startTime": since_us // 1000, "limit": limit}

    async def _ask(self, what: str, path: str, query: Mapping[str, object], read: Callable[[Any], T]) -> T:
        """What ``read`` makes of the answer; one that it can't read is none."""
        for failures in range(1, self._policy.attempts + 1):
            try:
                answer = await self._once(path, query)
                try:
                    return read(answer)
                except (LookupError, TypeError, ValueError, ArithmeticError) as error:
                    raise _FailedError(f"found {str(answer)[:80]}: {type(error).__name__} {error}") from error
            except (_FailedError, aiohttp.ClientError, TimeoutError) as error:
                said = str(error) or type(error).__name__
                if failures == self._policy.attempts:
                    raise RetryableError(f"binance: {what}: {failures} attempts failed: {said}") from error
                wait_s = self._backoff.wait_s(failures, retry_after_s=getattr(error, "retry_after_s", None))
                _log.warning("binance: %s failed, next try in %.1f s: %s", what, wait_s, said)
                await self._sleep(wait_s)
        raise AssertionError("attempts is at least 1")

    async def _signed(self, path: str, params: Mapping[str, str]) -> tuple[URL, dict[str, str]]:
        """Address and headers of a call under the key, at the venue's own time."""
        assert self._credentials is not None, "nobody signs without keys"
        window = {"recvWindow": str(RECV_WINDOW_MS), "timestamp": str(await self.time_ms())}
        query = urlencode({**params, **window})
        signature = urlencode({"signature": self._credentials.signer.sign(query)})
        address = URL(f"{self._base_url}{path}?{query}&{signature}", encoded=True)  # signed as it stands
        return address, {API_KEY_HEADER: self._credentials.api_key}

    async def _once(self, path: str, query: Mapping[str, object]) -> Any:
        """The JSON that the venue answers."""
        params, named = {name: str(value) for name, value in query.items()}, dict[str, str]()
        address = URL(self._base_url + path).with_query(params)
        timeout = aiohttp.ClientTimeout(total=self._policy.timeout_s)
        funding = [charge_of("funding", FUNDING_LIMIT, 1)] if path in FUNDING_PATHS else []
        await self._budget.take(Lane.DATA, [weighed(BY_CALL["GET", path].weight(params)), *funding])
        if BY_CALL["GET", path].security == "SIGNED":
            address, named = await self._signed(path, params)
        async with self.session.get(address, headers=named, timeout=timeout) as reply:
            text = await reply.text()
            status, headers = reply.status, reply.headers
        await self._budget.told(weighed(0), _number(headers.get(USED_WEIGHT_HEADER)) or 0)
        if status in (HTTP_RATE_LIMITED, HTTP_BANNED):
            wait_s = _number(headers.get(RETRY_AFTER_HEADER))
            await self._budget.stop(weighed(0), wait_s or WEIGHT_LIMIT.interval_ms / 1000)
            raise _FailedError(f"HTTP {status}: {text[:200]}", wait_s)
        if status >= 500 or status == HTTP_TIMEOUT:
            raise _FailedError(f"HTTP {status}: {text[:200]}")
        try:
            answer = json.loads(text, parse_float=Decimal)
        except ValueError:
            raise _FailedError(f"HTTP {status}: found {text[:80]!r}, allowed JSON") from None
        if isinstance(answer, dict) and answer.get("code") == ErrorCode.BAD_SYMBOL:
            return []
        if status != 200:
            raise FatalError(f"binance: {path}: HTTP {status}: {text[:200]}")
        return answer


def _tier(told: BinanceBracket) -> LeverageBracket:
    return LeverageBracket(
        notional_floor=told.notional_floor,
        notional_cap=told.notional_cap,
        maintenance_ratio=told.maintenance_ratio,
        maintenance_amount=told.maintenance_amount,
        max_leverage=told.initial_leverage,
    )


def weighed(weight: int) -> Charge:
    """What a request takes of the address's limit."""
    return charge_of("weight", WEIGHT_LIMIT, weight)


def charge_of(name: str, limit: RateLimit, amount: int) -> Charge:
    """What a request takes of one of the venue's limits."""
    return Charge(name, amount, limit.limit, limit.interval_ms / 1000)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _raw(row: Sequence[Any]) -> RawBar:
    opened, high, low, close, volume = (str(cell) for cell in row[1:6])
    return RawBar(row[0] * 1000, opened, high, low, close, volume)


def _mark(row: Sequence[Any]) -> DecimalBar:
    opened, high, low, close = (Decimal(cell) for cell in row[1:5])
    return DecimalBar(row[0] * 1000, opened, high, low, close, Decimal(0))

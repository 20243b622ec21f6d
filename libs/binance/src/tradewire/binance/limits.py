"""Rate limits and what each request weighs.

Source: Binance docs, "General Info: LIMITS" and each endpoint's "Request Weight", as in the docstrings of
binance-sdk-derivatives-trading-usds-futures 18.1.0. Orders count by account, weight by address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

USED_WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
ORDER_COUNT_MINUTE_HEADER: Final = "X-MBX-ORDER-COUNT-1M"
ORDER_COUNT_10S_HEADER: Final = "X-MBX-ORDER-COUNT-10S"
RETRY_AFTER_HEADER: Final = "Retry-After"
BAN_MS_LEAST: Final = 2 * 60_000
BAN_MS_MOST: Final = 3 * 86_400_000
"""An address that goes on after 429 is banned (418) for longer each time."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``limit`` in each interval, counted from its start on the clock."""

    kind: str
    interval: str
    interval_num: int
    limit: int

    @property
    def interval_ms(self) -> int:
        """Length in ms."""
        return {"SECOND": 1000, "MINUTE": 60_000}[self.interval] * self.interval_num

    def as_json(self) -> dict[str, str | int]:
        """As ``exchangeInfo`` lists it."""
        return {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.interval_num,
            "limit": self.limit,
        }


WEIGHT_LIMIT: Final = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 2400)
ORDERS_LIMIT: Final = RateLimit("ORDERS", "MINUTE", 1, 1200)
ORDERS_10S_LIMIT: Final = RateLimit("ORDERS", "SECOND", 10, 300)
FUNDING_LIMIT: Final = RateLimit("RAW_REQUESTS", "MINUTE", 5, 500)
"""Of ``fundingRate`` and ``fundingInfo`` together, by address. Source: "Get Funding Rate History", Request Weight."""
FUNDING_PATHS: Final = frozenset({"/fapi/v1/fundingRate", "/fapi/v1/fundingInfo"})

Params = Mapping[str, str]
Weight = Callable[[Params], int]


def fixed(weight: int) -> Weight:
    """The same for all parameters."""
    return lambda _: weight


def by_symbol(one: int, every: int) -> Weight:
    """``one`` with a symbol, ``every`` without."""
    return lambda params: one if params.get("symbol") else every


def by_limit(steps: tuple[tuple[int, int], ...], default: int) -> Weight:
    """The weight of the first step whose largest limit is not below the one asked for; ``default``: limit unsaid."""

    def weight(params: Params) -> int:
        text = params.get("limit", "")
        limit = int(text) if text.isdigit() else default
        return next((cost for most, cost in steps if limit <= most), steps[-1][1])

    return weight


_KLINES = by_limit(((99, 1), (499, 2), (1000, 5), (1500, 10)), default=500)
_DEPTH = by_limit(((50, 2), (100, 5), (500, 10), (1000, 20)), default=500)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A REST call. ``security``: NONE, KEY (API key alone) or SIGNED; ``orders``: counts against the order limits."""

    method: str
    path: str
    weight: Weight
    security: str = "SIGNED"
    orders: int = 0


def _public(path: str, weight: Weight) -> Endpoint:
    return Endpoint("GET", path, weight, "NONE")


ENDPOINTS: Final = (
    _public("/fapi/v1/ping", fixed(1)),
    _public("/fapi/v1/time", fixed(1)),
    _public("/fapi/v1/exchangeInfo", fixed(1)),
    _public("/fapi/v1/depth", _DEPTH),
    _public("/fapi/v1/trades", fixed(5)),
    _public("/fapi/v1/aggTrades", fixed(20)),
    _public("/fapi/v1/klines", _KLINES),
    _public("/fapi/v1/continuousKlines", _KLINES),
    _public("/fapi/v1/markPriceKlines", _KLINES),
    _public("/fapi/v1/indexPriceKlines", _KLINES),
    _public("/fapi/v1/premiumIndex", by_symbol(1, 10)),
    _public("/fapi/v1/fundingRate", fixed(1)),
    _public("/fapi/v1/fundingInfo", fixed(0)),
    _public("/fapi/v1/ticker/24hr", by_symbol(1, 40)),
    _public("/fapi/v1/ticker/price", by_symbol(1, 2)),
    _public("/fapi/v2/ticker/price", by_symbol(1, 2)),
    _public("/fapi/v1/ticker/bookTicker", by_symbol(2, 5)),
    _public("/fapi/v1/openInterest", fixed(1)),
    Endpoint("POST", "/fapi/v1/order", fixed(0), orders=1),
    Endpoint("POST", "/fapi/v1/order/test", fixed(0)),
    Endpoint("PUT", "/fapi/v1/order", fixed(0), orders=1),
    Endpoint("GET", "/fapi/v1/order", fixed(1)),
    Endpoint("DELETE", "/fapi/v1/order", fixed(1)),
    Endpoint("POST", "/fapi/v1/batchOrders", fixed(5), orders=5),
    Endpoint("PUT", "/fapi/v1/batchOrders", fixed(5), orders=5),
    Endpoint("DELETE", "/fapi/v1/batchOrders", fixed(1)),
    Endpoint("DELETE", "/fapi/v1/allOpenOrders", fixed(1)),
    Endpoint("POST", "/fapi/v1/countdownCancelAll", fixed(10)),
    Endpoint("GET", "/fapi/v1/openOrder", fixed(1)),
    Endpoint("GET", "/fapi/v1/openOrders", by_symbol(1, 40)),
    Endpoint("GET", "/fapi/v1/allOrders", fixed(5)),
    Endpoint("GET", "/fapi/v1/userTrades", fixed(5)),
    Endpoint("GET", "/fapi/v1/forceOrders", by_symbol(20, 50)),
    Endpoint("POST", "/fapi/v1/algoOrder", fixed(0), orders=1),
    Endpoint("GET", "/fapi/v1/algoOrder", fixed(1)),
    Endpoint("DELETE", "/fapi/v1/algoOrder", fixed(1)),
    Endpoint("DELETE", "/fapi/v1/algoOpenOrders", fixed(1)),
    Endpoint("GET", "/fapi/v1/openAlgoOrders", by_symbol(1, 40)),
    Endpoint("GET", "/fapi/v1/allAlgoOrders", fixed(5)),
    Endpoint("GET", "/fapi/v2/balance", fixed(5)),
    Endpoint("GET", "/fapi/v3/balance", fixed(5)),
    Endpoint("GET", "/fapi/v2/account", fixed(5)),
    Endpoint("GET", "/fapi/v3/account", fixed(5)),
    Endpoint("GET", "/fapi/v2/positionRisk", fixed(5)),
    Endpoint("GET", "/fapi/v3/positionRisk", fixed(5)),
    Endpoint("GET", "/fapi/v1/accountConfig", fixed(5)),
    Endpoint("GET", "/fapi/v1/symbolConfig", fixed(5)),
    Endpoint("GET", "/fapi/v1/leverageBracket", fixed(1)),
    Endpoint("GET", "/fapi/v1/commissionRate", fixed(20)),
    Endpoint("GET", "/fapi/v1/income", fixed(30)),
    Endpoint("GET", "/fapi/v1/adlQuantile", fixed(5)),
    Endpoint("GET", "/fapi/v1/rateLimit/order", fixed(1)),
    Endpoint("POST", "/fapi/v1/leverage", fixed(1)),
    Endpoint("POST", "/fapi/v1/marginType", fixed(1)),
    Endpoint("POST", "/fapi/v1/positionMargin", fixed(1)),
    Endpoint("GET", "/fapi/v1/positionMargin/history", fixed(1)),
    Endpoint("GET", "/fapi/v1/positionSide/dual", fixed(30)),
    Endpoint("POST", "/fapi/v1/positionSide/dual", fixed(1)),
    Endpoint("GET", "/fapi/v1/feeBurn", fixed(30)),
    Endpoint("POST", "/fapi/v1/feeBurn", fixed(1)),
    Endpoint("GET", "/fapi/v1/multiAssetsMargin", fixed(30)),
    Endpoint("POST", "/fapi/v1/multiAssetsMargin", fixed(1)),
    Endpoint("GET", "/sapi/v1/capital/config/getall", fixed(10)),  # the wallet's: ccxt asks for both with its markets
    Endpoint("GET", "/sapi/v1/margin/allPairs", fixed(1), "KEY"),
    Endpoint("GET", "/sapi/v1/account/apiRestrictions", fixed(1)),
    Endpoint("POST", "/fapi/v1/listenKey", fixed(1), "KEY"),
    Endpoint("PUT", "/fapi/v1/listenKey", fixed(1), "KEY"),
    Endpoint("DELETE", "/fapi/v1/listenKey", fixed(1), "KEY"),
)
BY_CALL: Final = MappingProxyType({(call.method, call.path): call for call in ENDPOINTS})
"""(method, path) → call."""

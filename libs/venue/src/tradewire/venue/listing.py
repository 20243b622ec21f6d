"""What the venue lists: an instrument with its rules, as ``exchangeInfo`` tells them and as the exchange keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tradewire.binance.filters import Filters
from tradewire.binance.limits import ORDERS_10S_LIMIT, ORDERS_LIMIT, WEIGHT_LIMIT
from tradewire.binance.orders import BinanceOrderType, BinanceTimeInForce
from tradewire.binance.replies import BinanceBracket, SymbolBrackets
from tradewire.ports.events import InstrumentChanged
from tradewire.trading.exchange import InstrumentSpec, from_e8
from tradewire.trading.wire import spec_of
from tradewire.venue.amounts import text

MARGIN_ASSET: Final = "USDT"
DELIVERY_MS: Final = 4_133_404_800_000
"""Delivery date of a perpetual, as Binance writes it."""
MAX_ALGO_ORDERS: Final = 10
FUNDING_HOURS: Final = 8


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol as it is listed now. ``status``: TRADING, or another in which no order is taken."""

    symbol: str
    base: str
    spec: InstrumentSpec
    filters: Filters
    status: str
    onboard_ms: int
    funding_hours: int = FUNDING_HOURS

    def as_json(self) -> dict[str, Any]:
        """One of ``symbols`` in ``exchangeInfo``."""
        return {
            "symbol": self.symbol,
            "pair": self.symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": DELIVERY_MS,
            "onboardDate": self.onboard_ms,
            "status": self.status,
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": self.base,
            "quoteAsset": MARGIN_ASSET,
            "marginAsset": MARGIN_ASSET,
            "pricePrecision": _decimals(self.filters.tick_size),
            "quantityPrecision": _decimals(self.filters.step_size),
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "settlePlan": 0,
            "triggerProtect": "0.0500",
            "liquidationFee": text(from_e8(self.spec.liquidation_fee_e8)),
            "marketTakeBound": "0.05",
            "filters": _filters_json(self.filters),
            "orderTypes": [item.value for item in BinanceOrderType],
            "timeInForce": [item.value for item in BinanceTimeInForce],
        }

    def brackets(self) -> SymbolBrackets:
        """As ``leverageBracket`` tells them."""
        tiers = enumerate(self.spec.brackets, start=1)
        return SymbolBrackets(
            symbol=self.symbol,
            brackets=tuple(
                BinanceBracket(
                    bracket=number,
                    initial_leverage=tier.max_leverage,
                    notional_cap=from_e8(tier.cap_e8),
                    notional_floor=from_e8(tier.floor_e8),
                    maintenance_ratio=from_e8(tier.mmr_e8),
                    maintenance_amount=from_e8(tier.cum_e8),
                )
                for number, tier in tiers
            ),
        )


def listing_of(instrument: InstrumentChanged, *, onboard_ms: int) -> Listing:
    """An instrument as this venue lists it: settled in USDT, so that ``BTCUSD`` is called ``BTCUSDT`` here."""
    base = instrument.base
    symbol = f"{base}{MARGIN_ASSET}"
    collar = instrument.price_collar_ratio
    filters = Filters(
        tick_size=instrument.tick_size,
        min_price=instrument.tick_size,
        max_price=Decimal(1_000_000),
        step_size=instrument.step_size,
        min_qty=instrument.min_qty,
        max_qty=instrument.max_qty,
        market_step_size=instrument.step_size,
        market_min_qty=instrument.min_qty,
        market_max_qty=instrument.max_qty,
        min_notional=instrument.min_notional,
        multiplier_up=1 + collar if collar else Decimal(0),
        multiplier_down=1 - collar if collar else Decimal(0),
        max_algo_orders=MAX_ALGO_ORDERS,
    )
    spec = spec_of(instrument.model_copy(update={"venue": "binance", "symbol": symbol, "quote": MARGIN_ASSET}))
    return Listing(symbol, base, spec, filters, instrument.status.value, onboard_ms)


def exchange_info(listings: list[Listing], now_ms: int) -> dict[str, Any]:
    """The reply of ``GET /fapi/v1/exchangeInfo``."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [limit.as_json() for limit in (WEIGHT_LIMIT, ORDERS_LIMIT, ORDERS_10S_LIMIT)],
        "exchangeFilters": [],
        "assets": [{"asset": MARGIN_ASSET, "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [listing.as_json() for listing in listings],
    }


def _decimals(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def _filters_json(rules: Filters) -> list[dict[str, Any]]:
    lot = {"stepSize": text(rules.step_size), "minQty": text(rules.min_qty), "maxQty": text(rules.max_qty)}
    market = {
        "stepSize": text(rules.market_step_size),
        "minQty": text(rules.market_min_qty),
        "maxQty": text(rules.market_max_qty),
    }
    prices = {"minPrice": text(rules.min_price), "maxPrice": text(rules.max_price), "tickSize": text(rules.tick_size)}
    percent = {
        "multiplierUp": text(rules.multiplier_up),
        "multiplierDown": text(rules.multiplier_down),
        "multiplierDecimal": "4",
    }
    return [
        {"filterType": "PRICE_FILTER", **prices},
        {"filterType": "LOT_SIZE", **lot},
        {"filterType": "MARKET_LOT_SIZE", **market},
        {"filterType": "MAX_NUM_ORDERS", "limit": rules.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": rules.max_algo_orders},
        {"filterType": "MIN_NOTIONAL", "notional": text(rules.min_notional)},
        *([{"filterType": "PERCENT_PRICE", **percent}] if rules.multiplier_up else []),
    ]

"""Replies of the REST interface that adapters and the simulated venue share. Times are ms since the epoch, UTC.

Source: Binance docs, "Trade", "Account" and "Market Data" REST API pages. Fields that only some replies have are
optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tradewire.binance.wire import Wire, on_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReply(Wire):
    """An order: reply to placing, changing, cancelling and asking for it."""

    order_id: int = on_wire("orderId")
    symbol: str = on_wire("symbol")
    status: str = on_wire("status")
    client_order_id: str | None = on_wire("clientOrderId", optional=True)
    price: Decimal = on_wire("price")
    average_price: Decimal | None = on_wire("avgPrice", optional=True)
    qty: Decimal = on_wire("origQty")
    filled_qty: Decimal | None = on_wire("executedQty", optional=True)
    cumulative_qty: Decimal | None = on_wire("cumQty", optional=True)
    cumulative_quote: Decimal | None = on_wire("cumQuote", optional=True)
    time_in_force: str = on_wire("timeInForce")
    order_type: str = on_wire("type")
    reduce_only: bool = on_wire("reduceOnly")
    close_position: bool | None = on_wire("closePosition", optional=True)
    side: str = on_wire("side")
    position_side: str | None = on_wire("positionSide", optional=True)
    stop_price: Decimal | None = on_wire("stopPrice", optional=True)
    working_type: str | None = on_wire("workingType", optional=True)
    price_protect: bool | None = on_wire("priceProtect", optional=True)
    original_type: str | None = on_wire("origType", optional=True)
    price_match: str | None = on_wire("priceMatch", optional=True)
    self_trade_prevention: str | None = on_wire("selfTradePreventionMode", optional=True)
    good_till_ms: int | None = on_wire("goodTillDate", optional=True)
    time_ms: int | None = on_wire("time", optional=True)
    update_time_ms: int = on_wire("updateTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoOrderReply(Wire):
    """A conditional order: reply to placing it and asking for it."""

    algo_id: int = on_wire("algoId")
    client_algo_id: str = on_wire("clientAlgoId")
    algo_type: str = on_wire("algoType")
    order_type: str = on_wire("orderType")
    symbol: str = on_wire("symbol")
    side: str = on_wire("side")
    position_side: str = on_wire("positionSide")
    time_in_force: str = on_wire("timeInForce")
    qty: Decimal = on_wire("quantity")
    status: str = on_wire("algoStatus")
    order_id: str | None = on_wire("actualOrderId", optional=True)
    average_price: Decimal | None = on_wire("actualPrice", optional=True)
    trigger_price: Decimal = on_wire("triggerPrice")
    price: Decimal = on_wire("price")
    iceberg_qty: Decimal | None = on_wire("icebergQuantity", optional=True)
    self_trade_prevention: str | None = on_wire("selfTradePreventionMode", optional=True)
    working_type: str = on_wire("workingType")
    price_match: str | None = on_wire("priceMatch", optional=True)
    close_position: bool = on_wire("closePosition")
    price_protect: bool = on_wire("priceProtect")
    reduce_only: bool = on_wire("reduceOnly")
    activation_price: Decimal | None = on_wire("activatePrice", optional=True)
    callback_rate: Decimal | None = on_wire("callbackRate", optional=True)
    create_time_ms: int = on_wire("createTime")
    update_time_ms: int = on_wire("updateTime")
    trigger_time_ms: int = on_wire("triggerTime")
    good_till_ms: int = on_wire("goodTillDate")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTrade(Wire):
    """A fill of the account. ``commission`` > 0: paid."""

    trade_id: int = on_wire("id")
    order_id: int = on_wire("orderId")
    symbol: str = on_wire("symbol")
    side: str = on_wire("side")
    position_side: str = on_wire("positionSide")
    price: Decimal = on_wire("price")
    qty: Decimal = on_wire("qty")
    quote_qty: Decimal = on_wire("quoteQty")
    realized_pnl: Decimal = on_wire("realizedPnl")
    commission: Decimal = on_wire("commission")
    commission_asset: str = on_wire("commissionAsset")
    buyer: bool = on_wire("buyer")
    maker: bool = on_wire("maker")
    time_ms: int = on_wire("time")


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReply(Wire):
    """One asset of ``GET /fapi/v3/balance``."""

    account_alias: str = on_wire("accountAlias")
    asset: str = on_wire("asset")
    balance: Decimal = on_wire("balance")
    cross_wallet_balance: Decimal = on_wire("crossWalletBalance")
    cross_unrealized: Decimal = on_wire("crossUnPnl")
    available_balance: Decimal = on_wire("availableBalance")
    max_withdraw: Decimal = on_wire("maxWithdrawAmount")
    margin_available: bool | None = on_wire("marginAvailable", optional=True)
    update_time_ms: int | None = on_wire("updateTime", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRisk(Wire):
    """One position of ``GET /fapi/v3/positionRisk``; those without position and orders are left out there."""

    symbol: str = on_wire("symbol")
    position_side: str = on_wire("positionSide")
    amount: Decimal = on_wire("positionAmt")
    entry_price: Decimal = on_wire("entryPrice")
    break_even_price: Decimal = on_wire("breakEvenPrice")
    mark_price: Decimal = on_wire("markPrice")
    unrealized: Decimal = on_wire("unRealizedProfit")
    liquidation_price: Decimal = on_wire("liquidationPrice")
    isolated_margin: Decimal = on_wire("isolatedMargin")
    notional: Decimal = on_wire("notional")
    margin_asset: str = on_wire("marginAsset")
    isolated_wallet: Decimal = on_wire("isolatedWallet")
    initial_margin: Decimal = on_wire("initialMargin")
    maintenance_margin: Decimal = on_wire("maintMargin")
    position_initial_margin: Decimal = on_wire("positionInitialMargin")
    order_initial_margin: Decimal = on_wire("openOrderInitialMargin")
    adl_quantile: int = on_wire("adl")
    bid_notional: Decimal = on_wire("bidNotional")
    ask_notional: Decimal = on_wire("askNotional")
    update_time_ms: int = on_wire("updateTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRiskV2(Wire):
    """One position of ``GET /fapi/v2/positionRisk``, which lists every symbol."""

    symbol: str = on_wire("symbol")
    position_side: str = on_wire("positionSide")
    amount: Decimal = on_wire("positionAmt")
    entry_price: Decimal = on_wire("entryPrice")
    break_even_price: Decimal = on_wire("breakEvenPrice")
    mark_price: Decimal = on_wire("markPrice")
    unrealized: Decimal = on_wire("unRealizedProfit")
    liquidation_price: Decimal = on_wire("liquidationPrice")
    leverage: Decimal = on_wire("leverage")
    max_notional: Decimal = on_wire("maxNotionalValue")
    margin_type: str = on_wire("marginType")
    isolated_margin: Decimal = on_wire("isolatedMargin")
    auto_add_margin: str = on_wire("isAutoAddMargin")
    notional: Decimal | None = on_wire("notional", optional=True)
    isolated_wallet: Decimal | None = on_wire("isolatedWallet", optional=True)
    update_time_ms: int | None = on_wire("updateTime", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceBracket(Wire):
    """One maintenance bracket; JSON numbers, not text."""

    bracket: int = on_wire("bracket")
    initial_leverage: int = on_wire("initialLeverage")
    notional_cap: Decimal = on_wire("notionalCap", number=True)
    notional_floor: Decimal = on_wire("notionalFloor", number=True)
    maintenance_ratio: Decimal = on_wire("maintMarginRatio", number=True)
    maintenance_amount: Decimal = on_wire("cum", number=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolBrackets(Wire):
    """One symbol of ``GET /fapi/v1/leverageBracket``."""

    symbol: str = on_wire("symbol")
    brackets: tuple[BinanceBracket, ...] = on_wire("brackets")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingInfo(Wire):
    """One symbol of ``GET /fapi/v1/fundingInfo``, which lists those with an interval or cap of their own."""

    symbol: str = on_wire("symbol")
    rate_cap: Decimal = on_wire("adjustedFundingRateCap")
    rate_floor: Decimal = on_wire("adjustedFundingRateFloor")
    interval_hours: int = on_wire("fundingIntervalHours")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate(Wire):
    """One settlement of ``GET /fapi/v1/fundingRate``; its time is some ms after the hour."""

    symbol: str = on_wire("symbol")
    rate: Decimal = on_wire("fundingRate")
    time_ms: int = on_wire("fundingTime")
    mark_price: Decimal | None = on_wire("markPrice", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumIndex(Wire):
    """One symbol of ``GET /fapi/v1/premiumIndex``."""

    symbol: str = on_wire("symbol")
    mark_price: Decimal = on_wire("markPrice")
    index_price: Decimal = on_wire("indexPrice")
    settle_price: Decimal = on_wire("estimatedSettlePrice")
    last_funding_rate: Decimal | None = on_wire("lastFundingRate", optional=True)
    interest_rate: Decimal | None = on_wire("interestRate", optional=True)
    next_funding_time_ms: int = on_wire("nextFundingTime")
    time_ms: int = on_wire("time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Income(Wire):
    """One row of ``GET /fapi/v1/income``: what changed the wallet. ``income`` < 0: paid."""

    symbol: str = on_wire("symbol")
    income_type: str = on_wire("incomeType")
    income: Decimal = on_wire("income")
    asset: str = on_wire("asset")
    info: str = on_wire("info")
    time_ms: int = on_wire("time")
    transaction_id: int = on_wire("tranId")
    trade_id: str = on_wire("tradeId")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionRate(Wire):
    """Reply of ``GET /fapi/v1/commissionRate``."""

    symbol: str = on_wire("symbol")
    maker: Decimal = on_wire("makerCommissionRate")
    taker: Decimal = on_wire("takerCommissionRate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenKeyReply(Wire):
    """Reply of ``POST /fapi/v1/listenKey``."""

    listen_key: str = on_wire("listenKey")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply(Wire):
    """A refusal, also one in the list of a batch; ``code`` 200 is a success without more to say."""

    code: int = on_wire("code")
    message: str = on_wire("msg")

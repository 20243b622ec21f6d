"""Messages of an account's user data stream. Times are ms since the epoch, UTC.

Source: Binance docs, "User Data Streams": Order Update, Algo Order Update, Balance and Position Update, Margin Call,
Account Configuration Update, Trade Lite, User Data Stream Expired.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from tradewire.binance.wire import Wire, on_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate(Wire):
    """The order in an `OrderTradeUpdate`. ``execution`` (x) is what happened, ``status`` (X) how it stands now."""

    symbol: str = on_wire("s")
    client_order_id: str = on_wire("c")
    side: str = on_wire("S")
    order_type: str = on_wire("o")
    time_in_force: str = on_wire("f")
    qty: Decimal = on_wire("q")
    price: Decimal = on_wire("p")
    average_price: Decimal = on_wire("ap")
    stop_price: Decimal = on_wire("sp")
    execution: str = on_wire("x")
    status: str = on_wire("X")
    order_id: int = on_wire("i")
    last_filled_qty: Decimal = on_wire("l")
    filled_qty: Decimal = on_wire("z")
    last_filled_price: Decimal = on_wire("L")
    commission_asset: str | None = on_wire("N", optional=True)
    commission: Decimal | None = on_wire("n", optional=True)
    trade_time_ms: int = on_wire("T")
    trade_id: int = on_wire("t")
    bids_notional: Decimal | None = on_wire("b", optional=True)
    asks_notional: Decimal | None = on_wire("a", optional=True)
    is_maker: bool = on_wire("m")
    reduce_only: bool = on_wire("R")
    working_type: str | None = on_wire("wt", optional=True)
    original_type: str | None = on_wire("ot", optional=True)
    position_side: str = on_wire("ps")
    close_position: bool | None = on_wire("cp", optional=True)
    activation_price: Decimal | None = on_wire("AP", optional=True)
    callback_rate: Decimal | None = on_wire("cr", optional=True)
    price_protect: bool | None = on_wire("pP", optional=True)
    realized_profit: Decimal = on_wire("rp")
    self_trade_prevention: str | None = on_wire("V", optional=True)
    price_match: str | None = on_wire("pm", optional=True)
    good_till_ms: int | None = on_wire("gtd", optional=True)
    expire_reason: str | None = on_wire("er", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTradeUpdate(Wire):
    """Something happened to an order. Events of one type follow one another by transaction time."""

    EVENT: ClassVar[str] = "ORDER_TRADE_UPDATE"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    order: OrderUpdate = on_wire("o")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoOrderUpdate(Wire):
    """The conditional order in an `AlgoUpdate`. ``order_id``: of the normal order born at the trigger."""

    client_algo_id: str = on_wire("caid")
    algo_id: int = on_wire("aid")
    algo_type: str = on_wire("at")
    order_type: str = on_wire("o")
    symbol: str = on_wire("s")
    side: str = on_wire("S")
    position_side: str = on_wire("ps")
    time_in_force: str = on_wire("f")
    qty: Decimal = on_wire("q")
    status: str = on_wire("X")
    order_id: str | None = on_wire("ai", optional=True)
    average_price: Decimal | None = on_wire("ap", optional=True)
    filled_qty: Decimal | None = on_wire("aq", optional=True)
    actual_type: str | None = on_wire("act", optional=True)
    trigger_price: Decimal = on_wire("tp")
    price: Decimal = on_wire("p")
    self_trade_prevention: str | None = on_wire("V", optional=True)
    working_type: str = on_wire("wt")
    price_match: str | None = on_wire("pm", optional=True)
    close_position: bool = on_wire("cp")
    price_protect: bool = on_wire("pP")
    reduce_only: bool = on_wire("R")
    trigger_time_ms: int = on_wire("tt")
    good_till_ms: int | None = on_wire("gtd", optional=True)
    reject_reason: str | None = on_wire("rm", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoUpdate(Wire):
    """Something happened to a conditional order (since 2025-12-09 they are an id space of their own)."""

    EVENT: ClassVar[str] = "ALGO_UPDATE"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    order: AlgoOrderUpdate = on_wire("o")


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceUpdate(Wire):
    """One asset in an `AccountUpdate`. ``change``: balance change but PnL and commission."""

    asset: str = on_wire("a")
    wallet_balance: Decimal = on_wire("wb")
    cross_wallet_balance: Decimal = on_wire("cw")
    change: Decimal | None = on_wire("bc", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUpdate(Wire):
    """One position in an `AccountUpdate`."""

    symbol: str = on_wire("s")
    amount: Decimal = on_wire("pa")
    entry_price: Decimal = on_wire("ep")
    break_even_price: Decimal | None = on_wire("bep", optional=True)
    accumulated_realized: Decimal = on_wire("cr")
    unrealized: Decimal = on_wire("up")
    margin_type: str = on_wire("mt")
    isolated_wallet: Decimal = on_wire("iw")
    position_side: str = on_wire("ps")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange(Wire):
    """The body of an `AccountUpdate`. ``reason``: ORDER, FUNDING_FEE, MARGIN_TRANSFER, …"""

    reason: str = on_wire("m")
    balances: tuple[BalanceUpdate, ...] = on_wire("B")
    positions: tuple[PositionUpdate, ...] | None = on_wire("P", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate(Wire):
    """Balances and positions that changed."""

    EVENT: ClassVar[str] = "ACCOUNT_UPDATE"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    account: AccountChange = on_wire("a")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageUpdate(Wire):
    """A symbol's new leverage."""

    symbol: str = on_wire("s")
    leverage: int = on_wire("l")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAssetsUpdate(Wire):
    """The account's new assets mode."""

    multi_assets: bool = on_wire("j")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfigUpdate(Wire):
    """Leverage of a symbol, or the assets mode, changed."""

    EVENT: ClassVar[str] = "ACCOUNT_CONFIG_UPDATE"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    leverage: LeverageUpdate | None = on_wire("ac", optional=True)
    multi_assets: MultiAssetsUpdate | None = on_wire("ai", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCallPosition(Wire):
    """A position in danger."""

    symbol: str = on_wire("s")
    position_side: str = on_wire("ps")
    amount: Decimal = on_wire("pa")
    margin_type: str = on_wire("mt")
    isolated_wallet: Decimal = on_wire("iw")
    mark_price: Decimal = on_wire("mp")
    unrealized: Decimal = on_wire("up")
    maintenance_margin: Decimal = on_wire("mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCall(Wire):
    """The account's margin ratio is too high."""

    EVENT: ClassVar[str] = "MARGIN_CALL"
    event_time_ms: int = on_wire("E")
    cross_wallet_balance: Decimal | None = on_wire("cw", optional=True)
    positions: tuple[MarginCallPosition, ...] = on_wire("p")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLite(Wire):
    """A fill, sooner and with less than `OrderTradeUpdate` says of it."""

    EVENT: ClassVar[str] = "TRADE_LITE"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    symbol: str = on_wire("s")
    qty: Decimal = on_wire("q")
    price: Decimal = on_wire("p")
    is_maker: bool = on_wire("m")
    client_order_id: str = on_wire("c")
    side: str = on_wire("S")
    last_filled_price: Decimal = on_wire("L")
    last_filled_qty: Decimal = on_wire("l")
    trade_id: int = on_wire("t")
    order_id: int = on_wire("i")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenKeyExpired(Wire):
    """The stream's key has ended: nothing more comes until a new one is made."""

    EVENT: ClassVar[str] = "listenKeyExpired"
    event_time_ms: int = on_wire("E")
    listen_key: str | None = on_wire("listenKey", optional=True)


USER_EVENTS: Final[tuple[type[Wire], ...]] = (
    OrderTradeUpdate,
    AlgoUpdate,
    AccountUpdate,
    AccountConfigUpdate,
    MarginCall,
    TradeLite,
    ListenKeyExpired,
)

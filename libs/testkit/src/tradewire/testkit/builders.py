"""Valid messages by default, so that a test shows only what matters to it.

The market is ``sim``: BTCUSDT with tick 0.1, step 0.001 and no fees, in hourly bars from the epoch on. Money and prices
are decimals; anything that ``Decimal`` takes may be passed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    ControlChanged,
    ControlLevel,
    IndicatorsUpdated,
    InstanceReported,
    InstrumentChanged,
    InstrumentStatus,
    LeverageBracket,
    Liquidity,
    OpenOrder,
    OrderFilled,
    OrderIntent,
    OrderLeg,
    OrderType,
    Position,
    RiskAssessed,
    RiskDecision,
    RiskLimitsChanged,
    Side,
    Signal,
    Sizing,
    SizingMethod,
    StrategyEvaluated,
    StrategyPosition,
    TimeInForce,
)
from tradewire.ports.message import Envelope, Event
from tradewire.ports.topics import BY_EVENT
from tradewire.trading.language import INTERVALS_US

VENUE, BTC, ETH, LTC = "sim", "BTCUSDT", "ETHUSDT", "LTCUSDT"
ACCOUNT, STRATEGY = "alpha", "trend"
HOUR_US = INTERVALS_US["1h"]


def instrument(symbol: str = BTC, **other: Any) -> InstrumentChanged:
    """Tick 0.1, step 0.001, smallest order 0.001 and 5 quote, largest 1,000; no fees; one bracket to 1e9."""
    tier = LeverageBracket(
        notional_floor=Decimal(0),
        notional_cap=Decimal(1_000_000_000),
        maintenance_ratio=Decimal("0.004"),
        maintenance_amount=Decimal(0),
        max_leverage=100,
    )
    values: dict[str, Any] = {
        "venue": VENUE,
        "symbol": symbol,
        "base": symbol.removesuffix("USDT"),
        "quote": "USDT",
        "status": InstrumentStatus.TRADING,
        "tick_size": Decimal("0.1"),
        "step_size": Decimal("0.001"),
        "min_qty": Decimal("0.001"),
        "max_qty": Decimal(1_000),
        "min_notional": Decimal(5),
        "maker_fee": Decimal(0),
        "taker_fee": Decimal(0),
        "liquidation_fee": Decimal(0),
        "price_collar_ratio": Decimal(0),
        "intervals": ("1h",),
        "brackets": (tier,),
        "valid_from_us": 0,
    }
    return InstrumentChanged(**values | other)


def candle(number: int, close: Any = 100, symbol: str = BTC, interval: str = "1h", **other: Any) -> CandleClosed:
    """Bar ``number``, which closes at (number + 1) intervals: flat at ``close`` unless prices are given."""
    length_us, price = INTERVALS_US[interval], Decimal(str(close))
    values: dict[str, Any] = {
        "venue": VENUE,
        "symbol": symbol,
        "interval": interval,
        "open_time_us": number * length_us,
        "close_time_us": (number + 1) * length_us,
        "open": price,
        "high": price,
        "low": price,
        "close": price,
        "volume": Decimal(1),
    }
    return CandleClosed(**values | other)


def snapshot(number: int, close: Any = 100, symbol: str = BTC, interval: str = "1h", **other: Any) -> IndicatorsUpdated:
    """Indicators of bar ``number``: only the bar's own close, unless ``values`` are given."""
    length_us = INTERVALS_US[interval]
    values: dict[str, Any] = {
        "venue": VENUE,
        "symbol": symbol,
        "interval": interval,
        "open_time_us": number * length_us,
        "event_time_us": (number + 1) * length_us,
        "close": Decimal(str(close)),
        "values": dict.fromkeys(("open", "high", "low", "close"), float(close)) | {"volume": 1.0},
        "previous": {},
        "input_partition": 0,
        "input_offset": number,
    }
    return IndicatorsUpdated(**values | other)


def sizing(method: SizingMethod = SizingMethod.FIXED_QTY, value: float = 1.0, **other: Any) -> Sizing:
    """One unit of the base asset."""
    return Sizing(**{"method": method, "value": value, "inputs": {}} | other)


def evaluation(
    number: int = 0,
    signal: Signal = Signal.ENTER_LONG,
    symbol: str = BTC,
    strategy_id: str = STRATEGY,
    account_id: str = ACCOUNT,
    **other: Any,
) -> StrategyEvaluated:
    """An answer to bar ``number`` at a close of 100: enter long, one unit, unguarded."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "strategy_id": strategy_id,
        "config_version": 1,
        "venue": VENUE,
        "symbol": symbol,
        "interval": "1h",
        "event_time_us": (number + 1) * HOUR_US,
        "signal": signal,
        "ready": True,
        "entry_long": signal in (Signal.ENTER_LONG, Signal.REVERSE_TO_LONG),
        "exit_long": signal in (Signal.EXIT_LONG, Signal.REVERSE_TO_SHORT),
        "entry_short": signal in (Signal.ENTER_SHORT, Signal.REVERSE_TO_SHORT),
        "exit_short": signal in (Signal.EXIT_SHORT, Signal.REVERSE_TO_LONG),
        "close": Decimal(100),
        "sizing": sizing(),
        "seen": {},
        "candle_offset": number,
    }
    return StrategyEvaluated(**values | other)


def account_state(
    number: int = 0, equity: Any = 10_000, account_id: str = ACCOUNT, **other: Any
) -> AccountStateChanged:
    """The account after bar ``number``: flat, with ``equity`` in its wallet."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "event_time_us": (number + 1) * HOUR_US,
        "sequence": number + 1,
        "wallet_balance": Decimal(str(equity)),
        "unrealized_pnl": Decimal(0),
        "equity": Decimal(str(equity)),
        **dict.fromkeys(("initial_margin", "maintenance_margin", "realized_pnl"), Decimal(0)),
        **dict.fromkeys(("fees_paid", "funding_paid"), Decimal(0)),
        "positions": (),
        "strategy_positions": (),
        "open_orders": (),
    }
    return AccountStateChanged(**values | other)


def position(qty: Any, symbol: str = BTC, mark: Any = 100) -> Position:
    """A net position entered at its mark."""
    price = Decimal(str(mark))
    qty = Decimal(str(qty))
    return Position(
        venue=VENUE,
        symbol=symbol,
        qty=qty,
        entry_price=price,
        mark_price=price,
        unrealized_pnl=Decimal(0),
    )


def share(qty: Any, symbol: str = BTC, strategy_id: str = STRATEGY) -> StrategyPosition:
    """A strategy's part of a net position."""
    return StrategyPosition(strategy_id=strategy_id, venue=VENUE, symbol=symbol, qty=Decimal(str(qty)))


def open_order(leg: OrderLeg = OrderLeg.STOP_LOSS, client_order_id: str = "order-1", **other: Any) -> OpenOrder:
    """A working sell order for one unit, of any leg."""
    values: dict[str, Any] = {
        "client_order_id": client_order_id,
        "strategy_id": STRATEGY,
        "venue": VENUE,
        "symbol": BTC,
        "side": Side.SELL,
        "order_type": OrderType.MARKET.value,
        "leg": leg.value,
        "remaining": Decimal(1),
        "reduce_only": leg not in (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN),
    }
    return OpenOrder(**values | other)


def intent(client_order_id: str = "order-1", side: Side = Side.BUY, qty: Any = 1, **other: Any) -> OrderIntent:
    """A market order of an entry."""
    values: dict[str, Any] = {
        "client_order_id": client_order_id,
        "leg": OrderLeg.ENTRY,
        "side": side,
        "order_type": OrderType.MARKET,
        "qty": Decimal(str(qty)),
        "time_in_force": TimeInForce.GTC,
        "reduce_only": False,
    }
    return OrderIntent(**values | other)


def assessment(number: int = 0, *intents: OrderIntent, **other: Any) -> RiskAssessed:
    """Risk's only answer to bar ``number``: these orders, or that there was no signal."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "strategy_id": STRATEGY,
        "config_version": 1,
        "venue": VENUE,
        "symbol": BTC,
        "event_time_us": (number + 1) * HOUR_US,
        "evaluation_id": f"evaluation-{number}",
        "decision": RiskDecision.APPROVED if intents else RiskDecision.NO_SIGNAL,
        "intents": intents,
        "cancels": (),
        "rules": (),
        "step_index": 0,
        "step_size": 1,
    }
    return RiskAssessed(**values | other)


def fill(number: int = 0, side: Side = Side.BUY, **other: Any) -> OrderFilled:
    """One BTC at 100, the account's fill ``number``, with no fee."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "strategy_id": STRATEGY,
        "client_order_id": f"order-{number}",
        "venue_trade_id": f"trade-{number}",
        "venue": VENUE,
        "symbol": BTC,
        "event_time_us": (number + 1) * HOUR_US,
        "sequence": number + 1,
        "side": side,
        "liquidity": Liquidity.TAKER,
        "leg": OrderLeg.ENTRY,
        **dict.fromkeys(("fee", "realized_pnl", "position_after"), 0),
    }
    return OrderFilled(**values | {"qty": 1, "price": 100} | other)


def limits(account_id: str = ACCOUNT, version: int = 1, **other: Any) -> RiskLimitsChanged:
    """No limits but those given."""
    fields = {"account_id": account_id, "version": version, "author": "risk", "changed_at_us": version, **other}
    return RiskLimitsChanged(**fields)


def control(scope: str, level: ControlLevel, issued_at_us: int = 1) -> ControlChanged:
    """A kill-switch change."""
    return ControlChanged(scope=scope, level=level, reason="a test", author="operator", issued_at_us=issued_at_us)


def instance_report(at_us: int = 1, service: str = "risk", **other: Any) -> InstanceReported:
    """What a ready instance of a service tells of itself."""
    fields: dict[str, Any] = {
        "instance_id": f"{service}-0",
        "service": service,
        "version": "1",
        "host": "here",
        "pid": 1,
        "phase": "running",
        "ready": True,
        "unready": (),
        "waits_for": (),
        "started_us": (at_us,),
        "reported_at_us": at_us,
        "handled": 1,
        "dead_letters": 0,
    }
    return InstanceReported(**fields | other)


def envelope(event: Event, offset: int = 0, partition: int = 0, event_id: str | None = None) -> Envelope:
    """How a message arrives: on its topic, with an id of its topic and key, and event time."""
    spec = BY_EVENT[type(event)]
    fields = event.__dict__
    time_us = fields.get("event_time_us", fields.get("close_time_us", 0))
    event_id = event_id or f"{spec.name}|{spec.key_of(event)}|{fields.get('symbol', '')}|{time_us}|{offset}"
    return Envelope(event_id, event_time_us=time_us, topic=spec.name, partition=partition, offset=offset)

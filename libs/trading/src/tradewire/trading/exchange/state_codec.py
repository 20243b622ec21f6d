"""The exchange's whole state as JSON-able values; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from tradewire.trading.exchange.account import Account, Position
from tradewire.trading.exchange.fill_model import FillModel
from tradewire.trading.exchange.instrument import InstrumentSpec
from tradewire.trading.exchange.margin import MarginMode
from tradewire.trading.exchange.order_registry import ClosedOrder, OrderRegistry
from tradewire.trading.exchange.orders import (
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
)

State = dict[str, Any]
"""A JSON object."""

STATE_VERSION: Final = 1

_POSITION_NUMBERS: Final = ("qty_e8", "cost_e8", "margin_e8", "last_e8", "mark_e8", "bar_close_us")
_TOTALS: Final = ("initial_balance_e8", "wallet_e8", "realized_e8", "fees_e8", "funding_e8", "insurance_e8")
_STORED: Final = {"qty_e8": "quantity_e8", "realized_e8": "realised_e8"}
"""Words of the first saved states, which ledgers hold; by the names of today."""
_NAMED: Final = {stored: name for name, stored in _STORED.items()}
_ENUMS: Final = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "working_type": WorkingType,
}


def account_state(account: Account) -> State:
    """Balances and every listed symbol's position, prices and settings."""
    positions = {
        symbol: {"mode": str(position.mode), "leverage": position.leverage}
        | _stored_values(position, _POSITION_NUMBERS)
        for symbol, position in account.positions.items()
    }
    return _stored_values(account, _TOTALS) | {"positions": positions}


def restore_account(state: Mapping[str, Any], specs: Mapping[str, InstrumentSpec]) -> Account:
    """Inverse of `account_state`. Raises: ValueError when the specs are not those of the listed symbols."""
    if set(state["positions"]) != set(specs):
        raise ValueError(f"state lists {sorted(state['positions'])}, instruments are {sorted(specs)}")
    positions = {
        symbol: Position(
            spec=specs[symbol],
            mode=MarginMode(state["positions"][symbol]["mode"]),
            leverage=state["positions"][symbol]["leverage"],
            **_restored_values(state["positions"][symbol], _POSITION_NUMBERS),
        )
        for symbol in sorted(specs)
    }
    return Account(positions=positions, **_restored_values(state, _TOTALS))


def _stored_values(owner: object, names: Iterable[str]) -> State:
    return {_STORED.get(name, name): getattr(owner, name) for name in names}


def _restored_values(state: Mapping[str, Any], names: Iterable[str]) -> State:
    return {name: state[_STORED.get(name, name)] for name in names}


def registry_state(registry: OrderRegistry) -> State:
    """Open orders by sequence and the remembered closed ones, oldest first."""
    return {
        "memory": registry.memory,
        "open": [_order_state(order) for order in registry.open.values()],
        "closed": [[order_id, *closed] for order_id, closed in registry.closed.items()],
    }


def restore_registry(state: Mapping[str, Any]) -> OrderRegistry:
    """Inverse of `registry_state`."""
    registry = OrderRegistry(memory=state["memory"])
    for order_state in state["open"]:
        registry.add(_restore_order(order_state))
    for order_id, qty_e8, filled_e8 in state["closed"]:
        registry.closed[order_id] = ClosedOrder(qty_e8, filled_e8)
    return registry


def fill_model_state(fill_model: FillModel) -> State:
    """The knobs by name; ``FillModel(**state)`` restores them."""
    return asdict(fill_model)


def _order_state(order: Order) -> State:
    request = _stored_values(order.request, [name.name for name in fields(NewOrder)])
    request |= {name: str(request[name]) for name in _ENUMS}
    own = _stored_values(order, [name.name for name in fields(Order) if name.name != "request"])
    return own | {"status": str(order.status), "request": request}


def _restore_order(state: Mapping[str, Any]) -> Order:
    request = {_NAMED.get(key, key): value for key, value in state["request"].items()}
    enums = {name: kind(request[name]) for name, kind in _ENUMS.items()}
    own = {_NAMED.get(key, key): value for key, value in state.items() if key not in ("request", "status")}
    return Order(request=NewOrder(**{**request, **enums}), status=OrderStatus(state["status"]), **own)

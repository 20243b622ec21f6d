"""The run fingerprint: one hash over all fills and account states, the same for services and backtests."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.trading.exchange import to_unbounded_e8

STATE_COLUMNS = (
    "event_time_us",
    "wallet_balance",
    "unrealized_pnl",
    "equity",
    "initial_margin",
    "maintenance_margin",
    "realized_pnl",
    "fees_paid",
    "funding_paid",
)
"""Columns of an account's states: UTC µs, then quote 1e-8."""
POSITION_COLUMNS = ("qty", "entry_price", "mark_price", "unrealized_pnl")
"""Columns of an account's positions: base 1e-8, then quote 1e-8."""
_WRAP = 1 << 64

Matrix = NDArray[np.int64]


@dataclass(slots=True)
class AccountRows:
    """One account's run: how many states it has, these, positions by symbol, and fills.

    ``states`` (t, 9) and ``positions`` (t, 4), zero while flat, of each symbol that was ever held come in parts, one
    after the other, and are read once. Fills are `fill_line`s in the order in which they happened.
    """

    length: int
    states: Iterable[Matrix]
    positions: Mapping[str, Iterable[Matrix]]
    fills: Sequence[str]


def fill_line(event: OrderFilled) -> str:
    """What a fill says about the account; ids that only name the record (sequence, trade id) are left out."""
    amounts = (event.qty, event.price, event.fee, event.realized_pnl, event.position_after)
    qty, price, fee, realized, position = map(to_unbounded_e8, amounts)
    names = (event.symbol, event.client_order_id, event.side.value, event.liquidity.value)
    return fill_text(event.event_time_us, *names, qty, price, fee, realized, position)


def fill_text(
    time_us: int,
    symbol: str,
    client_order_id: str,
    side: str,
    liquidity: str,
    qty_e8: int,
    price_e8: int,
    fee_e8: int,
    realized_pnl_e8: int,
    position_e8: int,
) -> str:
    """A fill on one line."""
    names = f"{time_us}|{symbol}|{client_order_id}|{side}|{liquidity}"
    return f"{names}|{qty_e8}|{price_e8}|{fee_e8}|{realized_pnl_e8}|{position_e8}"


def fingerprint(accounts: Mapping[str, AccountRows]) -> str:
    """sha256 over the rows, 64 hex digits: accounts and symbols by name, a symbol that was never held left out."""
    total = hashlib.sha256()
    for account_id, rows in sorted(accounts.items()):
        total.update(f"account|{account_id}|{rows.length}|{len(rows.fills)}\n".encode())
        for states in rows.states:
            total.update(_bytes(states))
        for symbol, parts in sorted(rows.positions.items()):
            total.update(f"position|{symbol}\n".encode())
            for positions in parts:
                total.update(_bytes(positions))
        total.update("\n".join(rows.fills).encode())
    return total.hexdigest()


def _bytes(matrix: Matrix) -> memoryview:
    """Its numbers, row by row, as little-endian int64; without a copy where they lie so."""
    return np.ascontiguousarray(matrix, dtype="<i8").reshape(-1).data


@dataclass(frozen=True, slots=True)
class _State:
    amounts: tuple[int, ...]
    positions: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(slots=True)
class _Account:
    records: dict[int, _State | str] = field(default_factory=dict)

    def rows(self) -> AccountRows:
        ordered = [record for _, record in sorted(self.records.items())]
        states = [record for record in ordered if isinstance(record, _State)]
        positions: defaultdict[str, Matrix] = defaultdict(
            lambda: np.zeros((len(states), len(POSITION_COLUMNS)), dtype=np.int64)
        )
        for at, state in enumerate(states):
            for symbol, held in state.positions:
                positions[symbol][at] = held
        money = np.array([state.amounts for state in states], dtype=np.int64).reshape(-1, len(STATE_COLUMNS))
        told = {symbol: [matrix] for symbol, matrix in positions.items() if matrix.any()}
        return AccountRows(len(states), [money], told, [record for record in ordered if isinstance(record, str)])


class Fingerprint:
    """`fingerprint` of messages, in whatever order and however often they come.

    Order of arrival, repeated delivery, partitions, wall-clock times and trace ids don't enter. Two records under one
    (account, sequence) that differ are a fault of the run and are listed in ``conflicts``. Amounts enter modulo 2**64
    units of 1e-8.
    """

    def __init__(self) -> None:
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)
        self.conflicts: list[tuple[str, int]] = []

    def add(self, event: OrderFilled | AccountStateChanged) -> bool:
        """Take a record in; False when it was there already."""
        record = fill_line(event) if isinstance(event, OrderFilled) else _state(event)
        known = self._accounts[event.account_id].records.setdefault(event.sequence, record)
        if known is record:
            return True
        if known != record:
            self.conflicts.append((event.account_id, event.sequence))
        return False

    def hexdigest(self) -> str:
        """64 hex digits."""
        return fingerprint({account_id: account.rows() for account_id, account in self._accounts.items()})


def _state(event: AccountStateChanged) -> _State:
    money = (to_unbounded_e8(getattr(event, name)) for name in STATE_COLUMNS[1:])
    return _State(
        (event.event_time_us, *_wrapped(money)),
        tuple(
            (item.symbol, tuple(_wrapped(to_unbounded_e8(getattr(item, name)) for name in POSITION_COLUMNS)))
            for item in event.positions
        ),
    )


def _wrapped(amounts: Iterable[int]) -> list[int]:
    """Each amount as the int64 of the same 64 bits."""
    return [(amount + _WRAP // 2) % _WRAP - _WRAP // 2 for amount in amounts]

"""The fills and payments of a run as columns of integers: from the exchange one by one, from the loop in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tradewire.backtest.futures.decisions import FIRST_VERSION, Decider
from tradewire.backtest.futures.order_ids import Naming
from tradewire.backtest.loops import path
from tradewire.backtest.loops.units import IntMatrix
from tradewire.ports.backtest import LIQUIDATION
from tradewire.trading import exchange as venue

FILL_COLUMNS = (
    *("time_us", "symbol", "leg", "sign", "maker", "qty", "price", "fee", "realized", "position", "shown"),
    "decided_us",
)
"""Of `Log.fills`: symbol and leg by number, amounts in 1e-8, ``shown`` the price that the market showed.

``decided_us`` is the close whose decision the order is, 0 where its id is known.
"""
TIME, SYMBOL, LEG, SIGN, MAKER, QTY, PRICE, FEE, REALIZED, POSITION, SHOWN, DECIDED = range(len(FILL_COLUMNS))
PAYMENT_COLUMNS = ("time_us", "symbol", "amount", "position")
"""Of `Log.payments`: what the wallet received, and what was held, 1e-8."""
PAID_TIME, PAID_SYMBOL, AMOUNT, HELD = range(len(PAYMENT_COLUMNS))
LEGS = (*(leg.value for leg in path.LEGS), LIQUIDATION)
"""By number."""
_NUMBERS = {leg: number for number, leg in enumerate(LEGS)}


@dataclass(slots=True)
class IntegerTable:
    """A table of integers that grows by one row or by many."""

    width: int
    _parts: list[IntMatrix] = field(default_factory=list)
    _single: list[Sequence[int]] = field(default_factory=list)

    def add(self, row: Sequence[int]) -> None:
        """One row."""
        self._single.append(row)

    def extend(self, rows: IntMatrix) -> None:
        """Rows of shape (n, width)."""
        self._gather()
        self._parts.append(rows)

    def matrix(self) -> IntMatrix:
        """All rows in the order in which they came, shape (n, width)."""
        self._gather()
        return np.concatenate([np.empty((0, self.width), dtype=np.int64), *self._parts])

    def _gather(self) -> None:
        if self._single:
            self._parts.append(np.array(self._single, dtype=np.int64))
            self._single = []


@dataclass(slots=True)
class Log:
    """What happened to one account; ``symbols`` by number."""

    symbols: Sequence[str]
    decider: Decider
    fills: IntegerTable = field(default_factory=lambda: IntegerTable(len(FILL_COLUMNS)))
    payments: IntegerTable = field(default_factory=lambda: IntegerTable(len(PAYMENT_COLUMNS)))
    _known_ids: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols)}

    def note(self, events: Iterable[venue.Event]) -> None:
        """Take what the exchange said."""
        for event in events:
            match event:
                case venue.OrderFilled() | venue.OrderPartiallyFilled() | venue.Liquidated():
                    self._fill(event.fill)
                case venue.FundingPaid():
                    number = self._numbers[event.symbol]
                    self.payments.add((event.time_us, number, event.amount_e8, event.position_e8))
                case venue.OrderRejected():
                    self.decider.counts.take_rejected(event.reason.value)
                case venue.OrderExpired():
                    self.decider.counts.take_expired(event.reason.value)

    def _fill(self, fill: venue.Fill) -> None:
        """One fill, with the leg that the decider gave its order."""
        intent = self.decider.intents.get(fill.client_order_id)
        leg = _NUMBERS[LIQUIDATION if intent is None else intent.leg.value]
        maker = int(fill.liquidity is venue.Liquidity.MAKER)
        self._known_ids.append(fill.client_order_id)
        self.fills.add(
            (
                *(fill.time_us, self._numbers[fill.symbol], leg, fill.side.sign, maker),
                *(fill.qty_e8, fill.price_e8, fill.fee_e8, fill.realized_pnl_e8, fill.position_after_e8),
                *(fill.shown_e8, 0),
            )
        )

    def client_order_ids(self, fills: IntMatrix) -> list[str]:
        """Of each of ``fills``, which are all that there are."""
        strategy, known = self.decider.strategy, iter(self._known_ids)
        rows = fills[:, [SYMBOL, DECIDED, LEG]]
        made = rows[rows[:, 1] > 0].tolist()
        naming = Naming(strategy.venue, strategy.interval, strategy.id, FIRST_VERSION)
        decided = [(self.symbols[number], decided_us) for number, decided_us, _ in made]
        ids = naming.order_ids(decided, [LEGS[leg] for _, _, leg in made])
        if len(ids) == len(rows):
            return ids
        new = iter(ids)
        return [next(new if decided_us else known) for decided_us in rows[:, 1].tolist()]

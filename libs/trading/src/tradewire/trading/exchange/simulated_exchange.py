"""One account at a simulated USDⓈ-M futures venue: the face that services and backtests call.

Deterministic: the same calls give the same events and state, whatever the order of the mappings passed in. An
order submitted at the close of a bar acts at the next bar's open at the earliest. See `bars` for the path
inside a bar, `fixed_point` for the rounding, `executor` for brackets and liquidation, `fill_model` for
slippage and volume.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tradewire.trading.exchange import admission, handover, state_codec
from tradewire.trading.exchange.account import Account, Position
from tradewire.trading.exchange.bar_walk import Move, nothing_can_happen, walk_bars
from tradewire.trading.exchange.bars import Bar, MarkBar, constant_mark
from tradewire.trading.exchange.events import (
    CancelPending,
    CancelReason,
    CancelRejected,
    Event,
    FundingPaid,
    OrderAccepted,
    OrderRejected,
)
from tradewire.trading.exchange.executor import Executor
from tradewire.trading.exchange.fill_model import FillModel
from tradewire.trading.exchange.instrument import InstrumentSpec
from tradewire.trading.exchange.margin import MarginMode, funding_amount
from tradewire.trading.exchange.order_registry import DEFAULT_MEMORY, OrderRegistry
from tradewire.trading.exchange.orders import NewOrder, Order, OrderAction, OrderStatus, venue_order_id
from tradewire.trading.exchange.snapshot import AccountSnapshot, account_snapshot

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
Mark = MarkBar | int
"""Mark prices of a bar, or one mark that holds for the whole bar (e8)."""


class SimulatedExchange:
    """One account in one-way mode (positions net per symbol), quoted in one currency; amounts e8, times UTC µs."""

    def __init__(
        self,
        account_id: str,
        initial_balance_e8: int,
        instruments: Iterable[InstrumentSpec],
        *,
        margin_modes: Mapping[str, MarginMode] = _NONE,
        leverages: Mapping[str, int] = _NONE,
        fill_model: FillModel | None = None,
        order_memory: int = DEFAULT_MEMORY,
    ) -> None:
        """Open the account. A symbol without a mode is CROSS, one without a leverage has 1.

        ``order_memory``: closed orders whose ids are still refused and can still be activated on.

        Raises: ValueError when the balance is negative or a leverage is not in 1..the first bracket's
        maximum.
        """
        specs = {spec.symbol: spec for spec in instruments}
        positions = {
            symbol: Position(
                spec=specs[symbol],
                mode=margin_modes.get(symbol, MarginMode.CROSS),
                leverage=leverages.get(symbol, 1),
            )
            for symbol in sorted(specs)
        }
        for position in positions.values():
            _check_leverage_setting(position)
        if initial_balance_e8 < 0:
            raise ValueError(f"initial balance {initial_balance_e8} e8 is negative")
        account = Account(initial_balance_e8, initial_balance_e8, positions)
        registry = OrderRegistry(memory=order_memory)
        self._executor = Executor(account_id, account, fill_model or FillModel(), registry)
        self._time_us = 0
        self._orders = 0

    def submit(self, order: NewOrder, time_us: int) -> list[Event]:
        """Take or refuse an order at ``time_us``; the answer is one `OrderAccepted` or `OrderRejected` at least.

        A protective order whose entry has filled is activated at once; if the entry ended unfilled, it expires.
        """
        self._advance(time_us)
        executor = self._executor
        refusal = admission.check(order, executor.account, executor.registry)
        if refusal is not None:
            return [OrderRejected(time_us, order.symbol, order.client_order_id, *refusal)]
        self._orders += 1
        kept = Order(
            request=order,
            venue_order_id=venue_order_id(executor.account_id, self._orders),
            sequence=self._orders,
            arrive_us=time_us + executor.fill_model.latency_us,
            qty_e8=order.qty_e8,
        )
        kept.change(OrderAction.HOLD if order.activate_on else OrderAction.ACCEPT)
        executor.registry.add(kept)
        active = kept.status is OrderStatus.WORKING
        executor.events.append(OrderAccepted(time_us, order.symbol, order.client_order_id, kept.venue_order_id, active))
        if order.activate_on:
            self._join_entry(kept)
        return self._take_events()

    def _join_entry(self, child: Order) -> None:
        registry = self._executor.registry
        entry = registry.open.get(child.request.activate_on)
        if entry is not None:
            self._executor.follow_entry(child, entry.qty_e8, entry.filled_e8, entry_closed=False)
            return
        closed = registry.closed[child.request.activate_on]
        self._executor.follow_entry(child, closed.qty_e8, closed.filled_e8, entry_closed=True)

    def cancel(self, client_order_id: str, time_us: int) -> list[Event]:
        """Cancel an open order, at once or, with latency, when the request reaches the venue."""
        self._advance(time_us)
        executor = self._executor
        order = executor.registry.open.get(client_order_id)
        if order is None:
            return [CancelRejected(time_us, client_order_id)]
        if executor.fill_model.latency_us == 0:
            executor.cancel(order, CancelReason.REQUESTED)
            return self._take_events()
        if order.cancel_us < 0:
            order.cancel_us = time_us + executor.fill_model.latency_us
        return [CancelPending(time_us, order.request.symbol, client_order_id, order.cancel_us)]

    def step(
        self,
        time_us: int,
        bars: Mapping[str, Bar],
        marks: Mapping[str, Mark] = _NONE,
        funding: Mapping[str, int] = _NONE,
    ) -> list[Event]:
        """Let the bars that close at ``time_us`` happen, then funding (rates e8) on what is held at that close.

        Without a mark the mark price is the last price. See `bar_walk` for several symbols in one step.
        Raises: ValueError when a symbol is not listed, or a bar is not newer than its previous one or ends too late.
        """
        self._advance(time_us)
        moves = self._moves(bars, marks, time_us)
        executor = self._executor
        quiet = nothing_can_happen(executor, moves)
        if not quiet:
            walk_bars(executor, moves)
        for position, bar, mark in moves:
            position.bar_close_us = bar.close_time_us
            position.last_e8 = bar.close_e8
            position.mark_e8 = bar.close_e8 if mark is None else mark.close_e8
        if quiet and not funding:
            return []
        executor.now_us = time_us
        self._pay_funding(funding)
        executor.liquidate_due()
        return self._take_events()

    @property
    def account(self) -> Account:
        """Wallet and positions, to look at."""
        return self._executor.account

    @property
    def orders(self) -> Collection[Order]:
        """Open orders, oldest first, to look at."""
        return self._executor.registry.open.values()

    @property
    def taken(self) -> int:
        """Orders that the venue took from the account, in all."""
        return self._orders

    def take_over(self, time_us: int, passed: handover.Passed) -> None:
        """Go on from the outcome of bars up to the close at ``time_us``, walked elsewhere.

        The caller answers for it that the same calls here would have led to the same.
        """
        self._advance(time_us)
        self._orders += passed.orders
        handover.take_over(self._executor, passed)

    def _moves(self, bars: Mapping[str, Bar], marks: Mapping[str, Mark], time_us: int) -> list[Move]:
        moves = []
        for symbol in sorted(bars):
            bar, mark = bars[symbol], marks.get(symbol)
            position = self._position(symbol)
            if not position.bar_close_us < bar.close_time_us <= time_us:
                raise ValueError(
                    f"{symbol}: bar closes at {bar.close_time_us} us, "
                    f"allowed after {position.bar_close_us} to {time_us}"
                )
            if isinstance(mark, int):
                mark = constant_mark(mark)
            moves.append(Move(position, bar, mark))
        return moves

    def _pay_funding(self, funding: Mapping[str, int]) -> None:
        executor = self._executor
        for symbol in sorted(funding):
            position = self._position(symbol)
            if position.qty_e8 == 0:
                continue
            rate_e8 = funding[symbol]
            amount_e8 = funding_amount(position.qty_e8, position.mark_e8, rate_e8)
            executor.account.apply_funding(position, amount_e8)
            executor.events.append(
                FundingPaid(executor.now_us, symbol, rate_e8, position.mark_e8, position.qty_e8, amount_e8)
            )

    def account_state(self) -> AccountSnapshot:
        """Balances, margins, positions and open orders as of the last call."""
        executor = self._executor
        return account_snapshot(executor.account_id, self._time_us, executor.account, executor.registry)

    def replace_instrument(self, spec: InstrumentSpec) -> None:
        """Put a newer version of an instrument's filters, fees and brackets in force; open orders stay."""
        self._position(spec.symbol).spec = spec

    def list_instrument(
        self, spec: InstrumentSpec, *, leverage: int = 1, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """List a symbol with these settings, or put a newer version of a listed one in force as it is set.

        Raises: ValueError when the leverage is not in 1..the first bracket's maximum.
        """
        if spec.symbol in self._executor.account.positions:
            self.replace_instrument(spec)
            return
        positions = self._executor.account.positions
        position = Position(spec=spec, mode=margin_mode, leverage=leverage)
        _check_leverage_setting(position)
        positions[spec.symbol] = position
        for symbol in sorted(positions):  # canonical order is the order of this mapping
            positions[symbol] = positions.pop(symbol)

    def knows(self, client_order_id: str) -> bool:
        """Whether the venue remembers an order of this id, open or closed."""
        return client_order_id in self._executor.registry

    def to_state(self) -> state_codec.State:
        """The whole state as JSON-able values; the instruments are not part of it."""
        executor = self._executor
        return {
            "version": state_codec.STATE_VERSION,
            "account_id": executor.account_id,
            "time_us": self._time_us,
            "orders": self._orders,
            "trades": executor.trades,
            "fill_model": state_codec.fill_model_state(executor.fill_model),
            "account": state_codec.account_state(executor.account),
            "registry": state_codec.registry_state(executor.registry),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], instruments: Iterable[InstrumentSpec]) -> SimulatedExchange:
        """Restore `to_state`: from here on the same calls give the same events.

        Raises: ValueError for another state version or when the instruments are not those of the state.
        """
        if state["version"] != state_codec.STATE_VERSION:
            raise ValueError(f"state version {state['version']}, expected {state_codec.STATE_VERSION}")
        exchange = cls.__new__(cls)
        exchange._executor = Executor(
            account_id=state["account_id"],
            account=state_codec.restore_account(state["account"], {spec.symbol: spec for spec in instruments}),
            fill_model=FillModel(**state["fill_model"]),
            registry=state_codec.restore_registry(state["registry"]),
            trades=state["trades"],
        )
        exchange._time_us = state["time_us"]
        exchange._orders = state["orders"]
        return exchange

    def _advance(self, time_us: int) -> None:
        if time_us < self._time_us:
            raise ValueError(f"time {time_us} us is before {self._time_us} us")
        self._time_us = self._executor.now_us = time_us

    def _position(self, symbol: str) -> Position:
        try:
            return self._executor.account.positions[symbol]
        except KeyError:
            raise ValueError(f"{symbol} is not listed") from None

    def _take_events(self) -> list[Event]:
        events, self._executor.events = self._executor.events, []
        return events


def _check_leverage_setting(position: Position) -> None:
    highest = position.spec.brackets[0].max_leverage
    if not 1 <= position.leverage <= highest:
        raise ValueError(f"{position.spec.symbol}: leverage {position.leverage} is not in 1..{highest}")

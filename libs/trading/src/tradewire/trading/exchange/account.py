"""Money and positions of one account; every change of the wallet is one of five kinds and is counted.

Exactness: a position keeps its *cost*, the notional paid for what is still open, instead of an average price.
A closing fill releases a rounded part of the cost and what is left stays, so rounding never leaks and at any
moment, to the unit,

* wallet = initial balance + realized PnL - fees + funding + insurance,
* wallet + unrealized PnL = equity = initial balance - sum of signed fill notionals + position value - fees +
  ….
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tradewire.trading.exchange.carried_sums import CarriedSums
from tradewire.trading.exchange.fixed_point import SCALE, mul_div, mul_div_ceil, mul_div_floor, notional
from tradewire.trading.exchange.instrument import InstrumentSpec, maintenance_margin
from tradewire.trading.exchange.margin import MarginMode, liquidation_price, unrealized_pnl


@dataclass(slots=True)
class Position:
    """One symbol's net position and last seen prices. ``margin_e8`` is the isolated margin, 0 when cross."""

    spec: InstrumentSpec
    mode: MarginMode
    leverage: int
    qty_e8: int = 0
    cost_e8: int = 0
    margin_e8: int = 0
    last_e8: int = 0
    mark_e8: int = 0
    bar_close_us: int = -1

    @property
    def is_cross(self) -> bool:
        """Whether the position draws on the whole wallet."""
        return self.mode is MarginMode.CROSS

    @property
    def entry_price_e8(self) -> int:
        """Average entry price, half to even; 0 when flat."""
        return mul_div(self.cost_e8, SCALE, abs(self.qty_e8)) if self.qty_e8 else 0

    @property
    def unrealized_e8(self) -> int:
        """Unrealized PnL at the mark."""
        return unrealized_pnl(self.qty_e8, self.cost_e8, self.mark_e8)

    @property
    def maintenance_e8(self) -> int:
        """Maintenance margin at the mark."""
        return maintenance_margin(self.spec.brackets, abs(notional(self.qty_e8, self.mark_e8)))

    @property
    def initial_margin_e8(self) -> int:
        """Initial margin at the mark: notional over leverage, rounded up."""
        return mul_div_ceil(abs(notional(self.qty_e8, self.mark_e8)), 1, self.leverage)

    @property
    def surplus_share_e8(self) -> int:
        """What the position adds to the wallet's surplus: its gain less its maintenance margin if cross."""
        if self.mode is not MarginMode.CROSS:
            return -self.margin_e8
        value_e8 = notional(self.qty_e8, self.mark_e8)
        gain_e8 = value_e8 - self.cost_e8 if value_e8 >= 0 else value_e8 + self.cost_e8
        return gain_e8 - self.margin_e8 - maintenance_margin(self.spec.brackets, abs(value_e8))

    @property
    def free_share_e8(self) -> int:
        """What the position adds to the balance that is free for others: its gain less its initial margin if cross."""
        if self.mode is not MarginMode.CROSS:
            return -self.margin_e8
        return self.unrealized_e8 - self.margin_e8 - self.initial_margin_e8


class FillResult(NamedTuple):
    """What a fill did to the account, quote e8."""

    notional_e8: int
    realized_e8: int
    fee_e8: int


@dataclass(slots=True)
class Account:
    """Wallet, running totals and positions in canonical (alphabetical) symbol order, all quote e8."""

    initial_balance_e8: int
    wallet_e8: int
    positions: dict[str, Position]
    realized_e8: int = 0
    fees_e8: int = 0
    funding_e8: int = 0
    insurance_e8: int = 0
    _held: tuple[Position, ...] | None = field(default=None, init=False, repr=False, compare=False)
    _sums: CarriedSums | None = field(default=None, init=False, repr=False, compare=False)

    @contextmanager
    def carrying_sums(self) -> Iterator[None]:
        """Carry sums over all positions along, so that what asks for them does not depend on how many there are.

        Inside, whoever changes a position calls `about_to_change` first.
        """
        self._sums = CarriedSums(
            sum(position.surplus_share_e8 for position in self.open_positions()),
            sum(position.free_share_e8 for position in self.open_positions()),
        )
        try:
            yield
        finally:
            self._sums = None

    def about_to_change(self, position: Position) -> None:
        """Leave a position out of the sums that are carried along, until another one changes."""
        if self._sums is not None:
            self._sums.leave_out(position)

    def open_positions(self) -> tuple[Position, ...]:
        """Positions that are not flat, in canonical order: found once, until one opens or ends."""
        if self._held is None:
            self._held = tuple(position for position in self.positions.values() if position.qty_e8)
        return self._held

    def hold(self, position: Position, *, qty_e8: int, cost_e8: int, margin_e8: int) -> None:
        """Put a position where fills that were booked elsewhere left it."""
        self.about_to_change(position)
        position.qty_e8, position.cost_e8, position.margin_e8 = qty_e8, cost_e8, margin_e8
        self._held = None

    @property
    def unrealized_e8(self) -> int:
        """Unrealized PnL of all positions."""
        return sum(position.unrealized_e8 for position in self.open_positions())

    @property
    def equity_e8(self) -> int:
        """Wallet plus unrealized PnL."""
        return self.wallet_e8 + self.unrealized_e8

    @property
    def cross_wallet_e8(self) -> int:
        """Wallet less what isolated positions hold; those that are flat hold nothing."""
        return self.wallet_e8 - sum(position.margin_e8 for position in self.open_positions())

    def cross_positions(self) -> list[Position]:
        """Open positions that share the wallet, in canonical order."""
        return [position for position in self.open_positions() if position.is_cross]

    def margin_balance_e8(self, position: Position) -> int:
        """Balance that answers for a position: its own if isolated, else that of all cross positions."""
        if not position.is_cross:
            return position.margin_e8 + position.unrealized_e8
        return self.cross_wallet_e8 + sum(other.unrealized_e8 for other in self.cross_positions())

    def maintenance_e8(self, position: Position) -> int:
        """Maintenance margin to hold against `margin_balance_e8`."""
        if not position.is_cross:
            return position.maintenance_e8
        return sum(other.maintenance_e8 for other in self.cross_positions())

    def is_underwater(self, position: Position) -> bool:
        """Whether an open position is due for liquidation at the present marks."""
        if position.is_cross:
            return self._cross_surplus_e8() <= 0
        return self.margin_balance_e8(position) <= position.maintenance_e8

    def _cross_surplus_e8(self) -> int:
        """Margin balance less maintenance margin of all cross positions: asked on every leg of a path."""
        if self._sums is None:
            return self.wallet_e8 + sum(position.surplus_share_e8 for position in self.open_positions())
        left_out = self._sums.left_out
        return self.wallet_e8 + self._sums.surplus_e8 + (left_out.surplus_share_e8 if left_out else 0)

    def liquidation_price_e8(self, position: Position) -> int:
        """Mark at which the position is liquidated with all other marks as they are; 0 if none."""
        others = self.cross_positions() if position.is_cross else []
        others = [other for other in others if other is not position]
        return liquidation_price(
            position.spec.brackets,
            position_e8=position.qty_e8,
            cost_e8=position.cost_e8,
            wallet_e8=self.cross_wallet_e8 if position.is_cross else position.margin_e8,
            other_maintenance_e8=sum(other.maintenance_e8 for other in others),
            other_unrealized_e8=sum(other.unrealized_e8 for other in others),
        )

    def free_balance_e8(self, position: Position) -> int:
        """Balance that a position's initial margin can come from: all others' margins are kept back."""
        if self._sums is None:
            others_e8 = sum(other.free_share_e8 for other in self.open_positions() if other is not position)
        else:
            self._sums.leave_out(position)
            others_e8 = self._sums.free_e8
        return self.wallet_e8 + others_e8 + position.unrealized_e8

    def apply_fill(self, position: Position, signed_e8: int, price_e8: int, fee_rate_e8: int) -> FillResult:
        """Book a signed fill: close what it closes, open the rest, charge the fee (rounded up)."""
        self.about_to_change(position)
        size_e8, was_flat = abs(signed_e8), position.qty_e8 == 0
        notional_e8 = notional(size_e8, price_e8)
        closing_e8 = min(size_e8, abs(position.qty_e8)) if position.qty_e8 * signed_e8 < 0 else 0
        closing_notional_e8 = mul_div(notional_e8, closing_e8, size_e8)
        realized_e8 = _close(position, closing_e8, closing_notional_e8) if closing_e8 else 0
        if size_e8 > closing_e8:
            _open(position, signed_e8, size_e8 - closing_e8, notional_e8 - closing_notional_e8)
        if was_flat or position.qty_e8 == 0:
            self._held = None
        fee_e8 = mul_div_ceil(notional_e8, fee_rate_e8, SCALE)
        self.realized_e8 += realized_e8
        self.charge_fee(fee_e8)
        self.wallet_e8 += realized_e8
        return FillResult(notional_e8, realized_e8, fee_e8)

    def charge_fee(self, fee_e8: int) -> None:
        """Take a fee (negative: rebate) from the wallet."""
        self.fees_e8 += fee_e8
        self.wallet_e8 -= fee_e8

    def apply_funding(self, position: Position, amount_e8: int) -> None:
        """Book a funding amount as the wallet receives it; an isolated position's margin moves with it."""
        self.about_to_change(position)
        self.funding_e8 += amount_e8
        self.wallet_e8 += amount_e8
        if not position.is_cross:
            position.margin_e8 += amount_e8

    def apply_insurance(self, amount_e8: int) -> None:
        """Book a loss that the insurance fund took over."""
        self.insurance_e8 += amount_e8
        self.wallet_e8 += amount_e8

    def is_due_at(self, position: Position, mark_e8: int) -> bool:
        """Whether an open position would be due for liquidation at this mark, the others' being as they are."""
        self.about_to_change(position)
        now_e8, position.mark_e8 = position.mark_e8, mark_e8
        due = self.is_underwater(position)
        position.mark_e8 = now_e8
        return due

    def is_safe_at(self, marks: Sequence[tuple[Position, int]]) -> bool:
        """Whether no open position would be due for liquidation if these marks held; puts the marks back."""
        moved = [(position, position.mark_e8) for position, _ in marks]
        for position, mark_e8 in marks:
            position.mark_e8 = mark_e8
        safe = self._none_is_underwater()
        for position, mark_e8 in moved:
            position.mark_e8 = mark_e8
        return safe

    def _none_is_underwater(self) -> bool:
        """Whether no open position is due; what cross positions share is counted once."""
        cross_asked = False
        for position in self.open_positions():
            if cross_asked and position.is_cross:
                continue
            if self.is_underwater(position):
                return False
            cross_asked |= position.is_cross
        return True


def _close(position: Position, closing_e8: int, closing_notional_e8: int) -> int:
    """Release a part of the position with its cost and isolated margin; return the realized PnL."""
    held_e8 = abs(position.qty_e8)
    sign = 1 if position.qty_e8 > 0 else -1
    released_cost_e8 = mul_div(position.cost_e8, closing_e8, held_e8)
    released_margin_e8 = mul_div_floor(position.margin_e8, closing_e8, held_e8)
    position.qty_e8 -= sign * closing_e8
    position.cost_e8 -= released_cost_e8
    position.margin_e8 -= released_margin_e8
    return sign * (closing_notional_e8 - released_cost_e8)


def _open(position: Position, signed_e8: int, opening_e8: int, opening_notional_e8: int) -> None:
    """Add to the position and, when isolated, move its initial margin in."""
    position.qty_e8 += opening_e8 if signed_e8 > 0 else -opening_e8
    position.cost_e8 += opening_notional_e8
    if not position.is_cross:
        position.margin_e8 += mul_div_ceil(opening_notional_e8, 1, position.leverage)

"""What the venue publishes about one instrument: filters, fees and maintenance brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradewire.trading.exchange.fixed_point import SCALE, mul_div, mul_div_ceil


@dataclass(frozen=True, slots=True)
class Bracket:
    """One maintenance bracket: notional in [floor, cap) quote e8, rate e8, amount (``cum``) quote e8."""

    floor_e8: int
    cap_e8: int
    mmr_e8: int
    cum_e8: int
    max_leverage: int


def maintenance_amounts(rows: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Maintenance amount of each bracket, quote e8, given ``(floor_e8, mmr_e8)`` in ascending order.

    cum_n = cum_{n-1} + floor_n * (mmr_n - mmr_{n-1}), which makes the maintenance margin continuous in
    notional.
    Source: Binance COIN-M futures FAQ, "Maintenance Amount formula"; USDⓈ-M publishes amounts that agree with
    it.
    """
    amounts: list[int] = []
    amount, previous_rate = 0, 0
    for floor_e8, rate_e8 in rows:
        amount += mul_div(floor_e8, rate_e8 - previous_rate, SCALE)
        previous_rate = rate_e8
        amounts.append(amount)
    return tuple(amounts)


def brackets(rows: Sequence[tuple[int, int, int, int]]) -> tuple[Bracket, ...]:
    """Build brackets from ``(floor_e8, cap_e8, mmr_e8, max_leverage)`` rows, amounts computed."""
    amounts = maintenance_amounts([(floor_e8, rate_e8) for floor_e8, _, rate_e8, _ in rows])
    return tuple(
        Bracket(floor_e8, cap_e8, rate_e8, amount, leverage)
        for (floor_e8, cap_e8, rate_e8, leverage), amount in zip(rows, amounts, strict=True)
    )


def bracket_at(tiers: Sequence[Bracket], notional_e8: int) -> Bracket:
    """Bracket that holds an unsigned notional; beyond the last cap the last bracket goes on."""
    for tier in tiers:
        if notional_e8 < tier.cap_e8:
            return tier
    return tiers[-1]


def maintenance_margin(tiers: Sequence[Bracket], notional_e8: int) -> int:
    """Maintenance margin of an unsigned notional: notional * mmr - cum, quote e8, rounded up."""
    tier = bracket_at(tiers, notional_e8)
    return mul_div_ceil(notional_e8, tier.mmr_e8, SCALE) - tier.cum_e8


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """Filters, fees and brackets of one linear perpetual, all in e8 units.

    Fees and the collar are rates (4 bps = 40,000). ``price_collar_e8`` refuses a buy limit above mark * (1 +
    collar) and a sell limit below mark * (1 - collar); 0 switches it off. ``max_open_orders`` counts orders
    per symbol.

    ``max_market_qty_e8`` bounds all but limit orders (MARKET_LOT_SIZE), 0 for ``max_qty_e8``.

    Raises: ValueError when a filter is not positive or the brackets do not join up.
    """

    venue: str
    symbol: str
    tick_e8: int
    step_e8: int
    min_qty_e8: int
    max_qty_e8: int
    min_notional_e8: int
    maker_fee_e8: int
    taker_fee_e8: int
    brackets: tuple[Bracket, ...]
    liquidation_fee_e8: int = 0
    price_collar_e8: int = 0
    max_open_orders: int = 200
    max_market_qty_e8: int = 0

    def __post_init__(self) -> None:
        if self.tick_e8 <= 0 or self.step_e8 <= 0 or self.min_qty_e8 <= 0:
            raise ValueError(f"{self.symbol}: tick, step and minimum quantity must be positive")
        if self.max_qty_e8 < self.min_qty_e8:
            raise ValueError(f"{self.symbol}: maximum quantity is below the minimum")
        if self.taker_fee_e8 < 0 or self.liquidation_fee_e8 < 0 or self.price_collar_e8 < 0:
            raise ValueError(f"{self.symbol}: taker fee, liquidation fee and collar must not be negative")
        self._check_brackets()

    def _check_brackets(self) -> None:
        if not self.brackets or self.brackets[0].floor_e8 != 0:
            raise ValueError(f"{self.symbol}: brackets must start at notional 0")
        rates = [tier.mmr_e8 for tier in self.brackets]
        if rates != sorted(rates) or rates[0] < 0 or rates[-1] >= SCALE:
            raise ValueError(f"{self.symbol}: maintenance rates must ascend within [0, 1)")
        for lower, upper in zip(self.brackets, self.brackets[1:], strict=False):
            if lower.cap_e8 != upper.floor_e8:
                raise ValueError(f"{self.symbol}: bracket cap {lower.cap_e8} is not the next floor")
        amounts = maintenance_amounts([(tier.floor_e8, tier.mmr_e8) for tier in self.brackets])
        for tier, amount in zip(self.brackets, amounts, strict=True):
            if tier.cum_e8 != amount:
                raise ValueError(f"{self.symbol}: maintenance amount {tier.cum_e8} should be {amount}")

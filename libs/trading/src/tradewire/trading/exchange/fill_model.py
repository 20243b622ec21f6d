"""How the simulation fills orders: slippage, share of volume, latency, and what counts as a limit being
reached.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.trading.exchange.fixed_point import SCALE, ceil_to, floor_to, mul_div_ceil, mul_div_floor
from tradewire.trading.exchange.instrument import InstrumentSpec
from tradewire.trading.exchange.orders import Side


@dataclass(frozen=True, slots=True)
class FillModel:
    """Knobs of the fill model; the default is an ideal venue.

    ``slippage_rate_e8`` (1 bps = 10,000) and ``slippage_ticks`` worsen every taker price. ``volume_share_e8``
    is the largest share of a (finer) bar's volume that the account takes per symbol, 0 for no bound. Orders
    and cancels reach the venue ``latency_us`` after they are sent. ``through_ticks``: a resting limit fills
    when the price has gone this many ticks beyond it; 0 fills at the touch, 1 asks for a trade through.
    """

    slippage_rate_e8: int = 0
    slippage_ticks: int = 0
    volume_share_e8: int = 0
    latency_us: int = 0
    through_ticks: int = 0

    def __post_init__(self) -> None:
        knobs = (self.slippage_ticks, self.latency_us, self.through_ticks)
        if min(knobs) < 0 or not 0 <= self.slippage_rate_e8 < SCALE or not 0 <= self.volume_share_e8 <= SCALE:
            raise ValueError(f"fill model out of range: {self}")

    def taker_price(self, spec: InstrumentSpec, side: Side, price_e8: int) -> int:
        """Price that a taker gets where the market shows ``price_e8``: slipped, then to the tick, against the
        taker.
        """
        ticks_e8 = self.slippage_ticks * spec.tick_e8
        if side is Side.BUY:
            slipped_e8 = mul_div_ceil(price_e8, SCALE + self.slippage_rate_e8, SCALE) + ticks_e8
            return ceil_to(slipped_e8, spec.tick_e8)
        slipped_e8 = mul_div_floor(price_e8, SCALE - self.slippage_rate_e8, SCALE) - ticks_e8
        return max(floor_to(slipped_e8, spec.tick_e8), spec.tick_e8)

    def volume_budget(self, spec: InstrumentSpec, volume_e8: int) -> int:
        """Quantity that the account may fill in a bar of this volume, down to the step; -1 for no bound."""
        if self.volume_share_e8 == 0:
            return -1
        return floor_to(mul_div_floor(volume_e8, self.volume_share_e8, SCALE), spec.step_e8)

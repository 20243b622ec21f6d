"""The one place where columns of floats become integers of 1e-8."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.compiled import compiled
from tradewire.backtest.loops.arithmetic import SCALE
from tradewire.trading.bounds import LARGEST_E8, PRICE_BOUND, PRICE_BOUND_E8

IntMatrix = NDArray[np.int64]
FloatArray = NDArray[np.float64]
LARGEST_EXACT = 2.0**52
"""Beyond this many units a float64 is no longer an exact multiple of 1e-8."""


def e8_array(values: FloatArray, what: str, largest_e8: int = LARGEST_E8) -> IntMatrix:
    """Floats of at most 8 decimals in 1e-8 units, exact, shape (n,).

    Raises: ValueError naming the first value that is no multiple of 1e-8, or too large to be one exactly.
    """
    plain = np.ascontiguousarray(values, dtype=np.float64)
    units = np.empty(len(plain), dtype=np.int64)
    for at in _put_units(plain, units).tolist():  # few: each is read as the decimal that Python prints for it
        units[at] = _e8(float(plain[at]), f"{what} of bar {at}", largest_e8)
    return units


def prices_e8(values: FloatArray, what: str) -> IntMatrix:
    """The same of prices. Raises: ValueError also for one that is not above 0, or too high to be traded."""
    units = e8_array(values, what, PRICE_BOUND_E8)
    wrong = np.flatnonzero((units <= 0) | (units >= PRICE_BOUND_E8))
    if wrong.size:
        found = float(values[wrong[0]])
        raise ValueError(f"{what} of bar {wrong[0]}: found {found!r}, allowed above 0 and below {PRICE_BOUND:,}")
    return units


def volumes_e8(values: FloatArray, what: str) -> IntMatrix:
    """The same of volumes that fills go by."""
    try:
        return e8_array(values, what)
    except ValueError as error:
        raise ValueError(f"{error}, where a volume share bounds fills") from None


@compiled
def _put_units(values: FloatArray, units: IntMatrix) -> IntMatrix:
    """Write the units of each value that is an exact multiple; returns the places of the others."""
    others = 0
    for at in range(len(values)):
        scaled = np.rint(values[at] * SCALE)
        exact = abs(scaled) < LARGEST_EXACT and scaled / SCALE == values[at]
        units[at] = np.int64(scaled) if exact else 0
        others += int(not exact)
    places = np.empty(others, dtype=np.int64)
    if others:
        others = 0
        for at in range(len(values)):
            if values[at] != units[at] / SCALE:
                places[others] = at
                others += 1
    return places


def _e8(value: float, what: str, largest_e8: int) -> int:
    scaled = Decimal(repr(value)).scaleb(8)
    if not scaled.is_finite() or abs(scaled) > largest_e8 or scaled != scaled.to_integral_value():
        raise ValueError(f"{what}: found {value!r}, allowed at most 8 decimals and up to {largest_e8 // SCALE:,}")
    return int(scaled)

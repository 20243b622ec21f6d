"""The one place where columns of floats become integers of 1e-8."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.compiled import compiled
from tradewire.backtest.loops.arithmetic import LARGEST_PRICE, SCALE
from tradewire.trading.bounds import LARGEST_E8, PRICE_BOUND

IntMatrix = NDArray[np.int64]
FloatArray = NDArray[np.float64]
LARGEST_EXACT = 2.0**52
"""Beyond this many units a float64 is no longer an exact multiple of 1e-8."""


class UnitsError(ValueError):
    """A number that does not fit whole units of 1e-8, or is no price. ``bar``: the first that has one."""

    def __init__(self, what: str, bar: int, found: float, allowed: str) -> None:
        super().__init__(f"{what} of bar {bar}: found {found!r}, allowed {allowed}")
        self.bar = bar


def e8_array(values: FloatArray, what: str, out: IntMatrix | None = None) -> IntMatrix:
    """Floats of at most 8 decimals in 1e-8 units, exact, shape (n,); written to ``out`` where that is given.

    Raises: UnitsError naming the first value that is no multiple of 1e-8, or too large to be one exactly.
    """
    plain = np.ascontiguousarray(values, dtype=np.float64)
    units = np.empty(len(plain), dtype=np.int64) if out is None else out
    for at in _put_units(plain, units).tolist():  # few: each is read as the decimal that Python prints for it
        units[at] = _e8(float(plain[at]), what, at)
    return units


def prices_e8(values: FloatArray, what: str, out: IntMatrix | None = None) -> IntMatrix:
    """The same of prices. Raises: UnitsError also for one that is not above 0, or too high to be traded."""
    plain = np.ascontiguousarray(values, dtype=np.float64)
    wrong = _first_no_price(plain)
    if wrong == len(plain):
        return e8_array(plain, what, out)
    e8_array(plain[:wrong], what)
    raise UnitsError(what, wrong, float(plain[wrong]), f"above 0 and below {PRICE_BOUND:,}")


def bars_e8(
    columns: Mapping[str, FloatArray], what: str, out: Mapping[str, IntMatrix] | None = None
) -> dict[str, IntMatrix]:
    """The same of each price of bars, by its name. Raises: UnitsError of the first bar that has a wrong one."""
    units: dict[str, IntMatrix] = {}
    faults: list[UnitsError] = []
    for name, values in columns.items():
        try:
            units[name] = prices_e8(values, f"{what} {name}", None if out is None else out[name])
        except UnitsError as error:
            faults.append(error)
    if faults:
        raise min(faults, key=lambda fault: fault.bar)
    return units


def volumes_e8(values: FloatArray, what: str) -> IntMatrix:
    """The same of volumes that fills go by."""
    try:
        return e8_array(values, what)
    except ValueError as error:
        raise ValueError(f"{error}, where a volume share bounds fills") from None


@compiled
def _first_no_price(values: FloatArray) -> int:
    """Place of the first value that is no price; their number where all are."""
    for at in range(len(values)):
        if not 0.0 < values[at] < LARGEST_PRICE:
            return at
    return len(values)


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


def _e8(value: float, what: str, bar: int) -> int:
    scaled = Decimal(repr(value)).scaleb(8)
    if not scaled.is_finite() or abs(scaled) > LARGEST_E8:
        raise UnitsError(what, bar, value, f"up to {LARGEST_E8 // SCALE:,}")
    if scaled != scaled.to_integral_value():
        raise UnitsError(what, bar, value, "at most 8 decimals")
    return int(scaled)

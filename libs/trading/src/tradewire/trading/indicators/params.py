"""Short forms for the parameters that indicators share."""

from __future__ import annotations

from tradewire.trading.indicators.model import Param

LONGEST = 10_000.0  # bars; bounds the state of one instance to well under a megabyte


def bars(default: int, *, name: str = "n", low: int = 1) -> Param:
    """A window length in bars."""
    return Param(name=name, default=float(default), low=float(low), high=LONGEST, integer=True)


def factor(default: float, *, name: str = "k", low: float = 0.0, high: float = 100.0) -> Param:
    """A dimensionless factor, such as a band's width in deviations."""
    return Param(name=name, default=default, low=low, high=high, integer=False)

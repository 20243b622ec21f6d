"""The parity certificate: do several engines agree on a run, and where they don't, what came first and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

import numpy as np

from tradewire.backtest.parity_causes import cause_of_missing
from tradewire.ports.backtest import BacktestFill, BacktestResult

FLOAT_TOLERANCE = 1e-9
"""Relative difference that float64 arithmetic is allowed against integers, of prices, quantities and equity."""
COMPARED = ("time_us", "symbol", "leg", "side", "qty", "price", "fee", "realized_pnl")
"""Fields of a fill in the order in which a difference is looked for: what comes first explains what follows."""
CAUSES = {
    "time_us": "another bar: a decision or a trigger came at another time",
    "symbol": "another market traded first",
    "leg": "another order acted first in the bar",
    "side": "the engines stood on other sides of the market",
    "qty": "sizing: other inputs or another rounding to the step",
    "price": "the fill model: slippage, gap or the path inside the bar",
    "fee": "the fee rate or its rounding",
    "realized_pnl": "the cost of what was closed",
}


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where an engine leaves the one it is compared with; values as text, ``time_us`` UTC µs."""

    engine: str
    against: str
    time_us: int
    what: str
    found: str
    expected: str
    cause: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """One engine against the first: ``divergence`` is None when they agree. ``exact``: to the last unit."""

    engine: str
    exact: bool
    divergence: Divergence | None
    largest_equity_difference: Decimal
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """All engines against the first."""

    reference: str
    agreements: tuple[Agreement, ...]

    @property
    def clean(self) -> bool:
        """Whether no engine diverges."""
        return all(agreement.divergence is None for agreement in self.agreements)


def certify(results: Sequence[BacktestResult], *, inexact: frozenset[str] = frozenset({"vectorized"})) -> Certificate:
    """Compare every result with the first: fills, fees, realized PnL, and equity at every close.

    Engines named in ``inexact`` compute in float64 and may differ by `FLOAT_TOLERANCE`; all others must be equal to
    the last unit, fingerprint included. Raises: ValueError for fewer than two results.
    """
    if len(results) < 2:
        raise ValueError(f"found {len(results)} result(s), at least 2 are needed to compare")
    reference = results[0]
    return Certificate(
        reference.engine,
        tuple(
            _agreement(result, reference, exact=not {result.engine, reference.engine} & inexact)
            for result in results[1:]
        ),
    )


def _agreement(result: BacktestResult, reference: BacktestResult, *, exact: bool) -> Agreement:
    tolerance = 0.0 if exact else FLOAT_TOLERANCE
    by_fill = _first_fill_difference(result, reference, tolerance)
    by_equity = _first_equity_difference(result, reference, tolerance)
    divergence = min((d for d in (by_fill, by_equity) if d is not None), key=lambda d: d.time_us, default=None)
    if divergence is None and exact and result.fingerprint != reference.fingerprint:
        divergence = _other_fingerprint(result, reference)
    return Agreement(result.engine, exact, divergence, _largest_difference(result, reference), result.left_out)


def _first_fill_difference(result: BacktestResult, reference: BacktestResult, tolerance: float) -> Divergence | None:
    for found, expected in zip_longest(_in_order(result), _in_order(reference)):
        if found is None or expected is None or _lacks(found, expected):
            return _missing(result, reference, found, expected)
        for name in COMPARED:
            mine, theirs = getattr(found, name), getattr(expected, name)
            if _differs(mine, theirs, tolerance, scale=max(expected.qty * expected.price, Decimal(1))):
                time_us = min(found.time_us, expected.time_us)
                what = f"fill of {expected.symbol} {expected.leg}: {name}"
                return Divergence(result.engine, reference.engine, time_us, what, str(mine), str(theirs), CAUSES[name])
    return None


def _in_order(result: BacktestResult) -> list[BacktestFill]:
    """By time; within an instant the engines may report symbols in another order, legs of one symbol never."""
    return sorted(result.fills, key=_moment)


def _moment(fill: BacktestFill) -> tuple[int, str]:
    return fill.time_us, fill.symbol


def _lacks(found: BacktestFill, expected: BacktestFill) -> bool:
    """Whether the two are not one fill seen differently: they are of other moments, and of other orders."""
    orders = [(fill.symbol, fill.leg, fill.side) for fill in (found, expected)]
    return _moment(found) != _moment(expected) and orders[0] != orders[1]


def _missing(
    result: BacktestResult, reference: BacktestResult, found: BacktestFill | None, expected: BacktestFill | None
) -> Divergence:
    """The earlier of two fills is in one engine's list only."""
    fill = min((fill for fill in (found, expected) if fill is not None), key=_moment)
    text = f"{fill.side.value} {fill.qty:f} at {fill.price:f}"
    mine = fill is found
    lacking, having = (reference, result) if mine else (result, reference)
    return Divergence(
        result.engine,
        reference.engine,
        fill.time_us,
        f"fill of {fill.symbol} {fill.leg}",
        text if mine else "none",
        "none" if mine else text,
        cause_of_missing(fill, lacking, having),
    )


def _differs(found: object, expected: object, tolerance: float, scale: Decimal) -> bool:
    if isinstance(found, Decimal) and isinstance(expected, Decimal) and tolerance:
        unit = max(abs(expected), Decimal(1), scale if abs(expected) < scale else Decimal(0))
        return abs(found - expected) > Decimal(str(tolerance)) * unit
    return found != expected


def _first_equity_difference(result: BacktestResult, reference: BacktestResult, tolerance: float) -> Divergence | None:
    shared = min(len(result.time_us), len(reference.time_us))
    other_time = np.flatnonzero(result.time_us[:shared] != reference.time_us[:shared])
    if other_time.size or len(result.time_us) != len(reference.time_us):
        at = int(other_time[0]) if other_time.size else max(shared - 1, 0)
        return Divergence(
            result.engine,
            reference.engine,
            int(reference.time_us[at]) if shared else 0,
            "closes of the equity curve",
            f"{len(result.time_us)} closes",
            f"{len(reference.time_us)} closes",
            "the engines did not see the same bars",
        )
    difference = np.abs(result.equity_e8 - reference.equity_e8)
    allowed = tolerance * np.abs(reference.equity_e8)
    apart = np.flatnonzero(difference > allowed)
    if not apart.size:
        return None
    at = int(apart[0])
    return Divergence(
        result.engine,
        reference.engine,
        int(reference.time_us[at]),
        "equity",
        str(Decimal(int(result.equity_e8[at])).scaleb(-8)),
        str(Decimal(int(reference.equity_e8[at])).scaleb(-8)),
        "funding, the mark or a liquidation" if _holds(reference, at) else "fees or realized PnL of earlier fills",
    )


def _holds(result: BacktestResult, at: int) -> bool:
    return any(int(position[at]) for position in result.position_e8.values())


def _other_fingerprint(result: BacktestResult, reference: BacktestResult) -> Divergence:
    return Divergence(
        result.engine,
        reference.engine,
        int(reference.time_us[0]) if len(reference.time_us) else 0,
        "fingerprint",
        result.fingerprint,
        reference.fingerprint,
        "fills and equity agree: an id, a margin or a position's price differs",
    )


def _largest_difference(result: BacktestResult, reference: BacktestResult) -> Decimal:
    shared = min(len(result.equity_e8), len(reference.equity_e8))
    if not shared:
        return Decimal(0)
    return Decimal(int(np.abs(result.equity_e8[:shared] - reference.equity_e8[:shared]).max())).scaleb(-8)

"""Which runs trade by market orders alone, and what the compiled loop needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewire.backtest.futures.decisions import Answers, Decider
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.margin import TAPE_FILLS, TAPE_FUNDING, Asked, Floats, Tape, Terms
from tradewire.ports.backtest import AccountSettings
from tradewire.ports.events import InstrumentStatus, RiskLimitsChanged
from tradewire.trading.assessment.sizing import exact, quantize_qty
from tradewire.trading.exchange import FillModel, InstrumentSpec, to_e8
from tradewire.trading.language import SizingMethod

DISTANCES = ("stop_distance", "take_profit_distance", "trailing_distance")
"""In the order of the guards."""
ORDERS_AT_ONCE = 6
"""More than an exit, an entry and what guards it."""
_LIMITS = frozenset(RiskLimitsChanged.model_fields) - {"account_id", "version", "author", "changed_at_us"}


class Plain(NamedTuple):
    """All that `market_orders.trade` takes beside the market and the account."""

    asked: Asked
    terms: Terms
    tape: Tape


def plain_terms(
    grid: Grid,
    specs: Sequence[InstrumentSpec],
    answers: Sequence[Answers],
    decider: Decider,
    account: AccountSettings,
    fill_model: FillModel,
) -> Plain | None:
    """The run's terms; None when orders may fill late or in part, be too many for the venue, or limits are set."""
    limited = account.limits is not None and any(getattr(account.limits, name) is not None for name in _LIMITS)
    delayed = fill_model.latency_us or fill_model.volume_share_e8
    halted = any(market.status is not InstrumentStatus.TRADING for market in decider.instruments.values())
    crowded = any(spec.max_open_orders < ORDERS_AT_ONCE for spec in specs)
    if limited or delayed or halted or crowded:
        return None
    signals = sum(int(np.count_nonzero(answer.signal)) for answer in answers)
    tape = Tape(
        np.empty((2 * signals + len(specs), len(TAPE_FILLS)), dtype=np.int64),
        np.empty((int(np.count_nonzero(grid.rate)), len(TAPE_FUNDING)), dtype=np.int64),
        np.zeros(3, dtype=np.int64),
    )
    return Plain(_asked(grid, specs, answers, decider), _terms(specs, fill_model), tape)


def _asked(grid: Grid, specs: Sequence[InstrumentSpec], answers: Sequence[Answers], decider: Decider) -> Asked:
    sizing = decider.strategy.sizing
    amount = float(sizing.amount)
    steps = np.array([spec.step_e8 for spec in specs], dtype=np.float64)[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):  # closes are 0 where there is no bar
        per_unit = 1e8 / (grid.close * steps)
        per_equity, beside = np.zeros(per_unit.shape), np.zeros(per_unit.shape)
        match sizing.method:
            case SizingMethod.FRACTION_OF_EQUITY:
                per_equity = amount * per_unit
            case SizingMethod.FIXED_NOTIONAL:
                beside = amount * 1e8 * per_unit
            case SizingMethod.VOLATILITY_TARGET:
                per_equity = amount / _volatility(answers) * per_unit
            case SizingMethod.RISK_PER_TRADE:
                per_equity = amount / (_distances(answers, "stop_distance") * steps)
            case _:  # a fixed quantity
                pass
        capped = per_unit * (np.inf if sizing.max_leverage is None else float(sizing.max_leverage))
    fixed = np.zeros(len(specs), dtype=np.int64)
    if sizing.method is SizingMethod.FIXED_QTY:
        quantities = (quantize_qty(exact(amount), decider.instruments[symbol]) for symbol in grid.symbols)
        fixed = np.array([to_e8(quantity) for quantity in quantities], dtype=np.int64)
    return Asked(per_equity, beside, capped, fixed, _guarding(answers))


def _guarding(answers: Sequence[Answers]) -> Floats:
    """Distances of what guards entries, shape (3, s, t), or without any where there is none."""
    if not any((getattr(answer.arrays, name) > 0).any() for answer in answers for name in DISTANCES):  # NaN is not
        return np.empty((0, 0, 0))
    return np.stack([_distances(answers, name) for name in DISTANCES])


def _distances(answers: Sequence[Answers], name: str) -> Floats:
    return np.stack([getattr(answer.arrays, name)[np.maximum(answer.index, 0)] for answer in answers])


def _volatility(answers: Sequence[Answers]) -> Floats:
    known = [answer.arrays.sizing_inputs["volatility"][np.maximum(answer.index, 0)] for answer in answers]
    return np.stack([np.where(values > 0, values, np.inf) for values in known])


def _terms(specs: Sequence[InstrumentSpec], fill_model: FillModel) -> Terms:
    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([getattr(spec, name) for spec in specs], dtype=np.int64)

    largest = np.array([min(spec.max_qty_e8, spec.max_market_qty_e8 or spec.max_qty_e8) for spec in specs])
    return Terms(
        tick=column("tick_e8"),
        step=column("step_e8"),
        min_quantity=column("min_qty_e8"),
        max_quantity=largest,
        min_notional=column("min_notional_e8"),
        taker_fee=column("taker_fee_e8"),
        collar=column("price_collar_e8"),
        slippage=np.full(len(specs), fill_model.slippage_rate_e8, dtype=np.int64),
    )

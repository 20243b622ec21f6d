"""What a run's compiled loop goes by, from the strategy, the account and the instruments that are in force."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import TypeAlias

import numpy as np

from tradewire.backtest.futures.arrays import (
    COUNTS,
    RATE,
    Brackets,
    EntryArrays,
    Floats,
    InstrumentArrays,
    Limits,
    LogArrays,
    Model,
    Terms,
)
from tradewire.backtest.futures.coverage import DISTANCES, RATIO_LIMITS, entries_covered
from tradewire.backtest.futures.decisions import Answers, Decider
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.history import HOLDING_COLUMNS, MONEY_COLUMNS
from tradewire.backtest.futures.log import FILL_COLUMNS, PAYMENT_COLUMNS
from tradewire.backtest.futures.open_orders import PLACES
from tradewire.backtest.loops.entry_sizes import METHOD_CODES
from tradewire.ports.backtest import AccountSettings
from tradewire.ports.events import InstrumentStatus, RiskLimitsChanged
from tradewire.trading.exchange import FillModel, InstrumentSpec, to_e8
from tradewire.trading.language import Sizing, SizingMethod

FILLS_AT_ONCE = 1_000
"""Rows of the tape beside those for one whole fill of every order."""
NO_LIMIT = 1 << 62
_Column: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


def venue_of(
    grid: Grid,
    specs: Sequence[InstrumentSpec],
    answers: Sequence[Answers],
    decider: Decider,
    account: AccountSettings,
) -> InstrumentArrays:
    """What decisions and fills go by while these instruments are in force."""
    fill_model = fill_model_of(account)
    model = Model(fill_model.slippage_rate_e8, fill_model.volume_share_e8, fill_model.latency_us)
    asked = _asked(answers, decider.strategy.sizing)
    terms, limits = _terms(specs, decider, account.limits), _limits(account.limits)
    covered = entries_covered(decider.strategy, account.limits)
    return InstrumentArrays(terms, brackets_of(specs), model, asked, limits, covered)


def fill_model_of(account: AccountSettings) -> FillModel:
    """The exchange's fill model as the account asks for it."""
    return FillModel(
        slippage_rate_e8=to_e8(account.slippage_bps / Decimal(10_000)),
        volume_share_e8=to_e8(account.volume_share),
        latency_us=account.latency_us,
    )


def tape_of(grid: Grid, answers: Sequence[Answers]) -> LogArrays:
    """Room for what a run may write before it is read."""
    signals = sum(int(np.count_nonzero(answer.signal)) for answer in answers)
    fills, payments = 2 * signals + FILLS_AT_ONCE, int(np.count_nonzero(grid.rows[RATE]))
    changes = fills + payments + 1
    return LogArrays(
        np.empty((fills, len(FILL_COLUMNS)), dtype=np.int64),
        np.empty((payments, len(PAYMENT_COLUMNS)), dtype=np.int64),
        np.empty((signals, 3), dtype=np.int64),
        np.empty((changes, len(HOLDING_COLUMNS)), dtype=np.int64),
        np.empty((changes, len(MONEY_COLUMNS)), dtype=np.int64),
        np.zeros(COUNTS, dtype=np.int64),
    )


def brackets_of(specs: Sequence[InstrumentSpec]) -> Brackets:
    """The brackets of all symbols, padded to the longest."""
    longest = max(len(spec.brackets) for spec in specs)
    padded = [[*spec.brackets, *[spec.brackets[-1]] * (longest - len(spec.brackets))] for spec in specs]
    names = ("cap_e8", "mmr_e8", "cum_e8", "max_leverage")
    columns = (np.array([[getattr(b, name) for b in row] for row in padded], dtype=np.int64) for name in names)
    return Brackets(*columns)


def _asked(answers: Sequence[Answers], sizing: Sizing) -> EntryArrays:
    measure = np.empty((0, 0))
    if sizing.method is SizingMethod.VOLATILITY_TARGET:
        measure = _volatility(answers)
    elif sizing.method is SizingMethod.RISK_PER_TRADE:
        measure = _distances(answers, "stop_distance")
    cap = np.inf if sizing.max_leverage is None else float(sizing.max_leverage)
    return EntryArrays((METHOD_CODES[sizing.method], float(sizing.amount), cap), measure, _guarding(answers))


def _guarding(answers: Sequence[Answers]) -> Floats:
    """Distances of what guards entries, shape (3, s, t), or without any where there is none."""
    if not any(
        (getattr(answer.arrays, name) > 0).any() for answer in answers for name in DISTANCES.values()
    ):  # NaN is not
        return np.empty((0, 0, 0))
    return np.stack([_distances(answers, name) for name in DISTANCES.values()])


def _distances(answers: Sequence[Answers], name: str) -> Floats:
    return np.stack([getattr(answer.arrays, name)[np.maximum(answer.index, 0)] for answer in answers])


def _volatility(answers: Sequence[Answers]) -> Floats:
    known = [answer.arrays.sizing_inputs["volatility"][np.maximum(answer.index, 0)] for answer in answers]
    return np.stack([np.where(values > 0, values, np.inf) for values in known])


def _terms(specs: Sequence[InstrumentSpec], decider: Decider, limits: RiskLimitsChanged | None) -> Terms:
    def column(name: str) -> _Column:
        return np.array([getattr(spec, name) for spec in specs], dtype=np.int64)

    largest = np.array([min(spec.max_qty_e8, spec.max_market_qty_e8 or spec.max_qty_e8) for spec in specs])
    own = None if limits is None else limits.price_collar_ratio
    collars = column("price_collar_e8")
    if own is not None and own > 0:
        mine = min(max(_whole(own), 1), NO_LIMIT)
        collars = np.where(collars > 0, np.minimum(collars, mine), mine)
    statuses = [decider.instruments[spec.symbol].status for spec in specs]
    return Terms(
        tick=column("tick_e8"),
        step=column("step_e8"),
        min_qty=column("min_qty_e8"),
        max_qty=largest,
        min_notional=column("min_notional_e8"),
        taker_fee=column("taker_fee_e8"),
        collar=collars,
        trading=np.array([status is InstrumentStatus.TRADING for status in statuses]),
        roomy=np.array([spec.max_open_orders > PLACES for spec in specs]),
    )


def _limits(limits: RiskLimitsChanged | None) -> Limits:
    given = RiskLimitsChanged(account_id="", version=0, author="", changed_at_us=0) if limits is None else limits

    ratios = {field: _ratio(getattr(given, name), scale) for name, (field, scale) in RATIO_LIMITS.items()}
    loss = NO_LIMIT if given.max_daily_loss is None else min(_whole(given.max_daily_loss), NO_LIMIT)
    orders = NO_LIMIT if given.max_orders_per_minute is None else min(given.max_orders_per_minute, NO_LIMIT)
    some = bool(np.isfinite(list(ratios.values())).any() or min(loss, orders) < NO_LIMIT)
    return Limits(any=some, **ratios, daily_loss=loss, orders_per_minute=orders)


def _ratio(value: Decimal | None, scale: float) -> float:
    return np.inf if value is None else float(value) * scale


def _whole(value: Decimal) -> int:
    """Largest number of 1e-8 units in a value."""
    return int(value.scaleb(8).to_integral_value(ROUND_FLOOR))

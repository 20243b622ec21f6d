"""One case by tradewire: `python -m benchmarks.research.ours CASE SIZE REPEATS`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from benchmarks.research.data import (
    CASH,
    FAST,
    MINUTE_S,
    SLOW,
    START_S,
    alternating,
    candles,
    spread_pairs,
    window_pairs,
)
from benchmarks.research.timing import digest, say, timed
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest, BacktestResult, MarketHistory
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

CROSS = """
id: sma-cross
venue: bench
account: desk
symbols: [MADEUP]
interval: 1m
indicators: {fast: "sma(close, f)", slow: "sma(close, s)"}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
sizing: {fraction_of_equity: 0.95}
params:
  f: {default: 10, low: 2, high: 1000, step: 1}
  s: {default: 50, low: 2, high: 1000, step: 1}
"""
INDICATOR_CALLS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "SMA20": ("sma", (20.0,)),
    "EMA20": ("ema", (20.0,)),
    "RSI14": ("rsi", (14.0,)),
    "ATR14": ("atr", (14.0,)),
    "BBANDS20": ("bollinger", (20.0, 2.0)),
    "MACD": ("macd", (12.0, 26.0, 9.0)),
}


def request(bars: int, fee_bps: int) -> BacktestRequest:
    """The crossing on made-up prices, 5 times leverage, no slippage."""
    fine = Decimal("0.00000001")
    bracket = LeverageBracket(
        notional_floor=Decimal(0),
        notional_cap=Decimal(10**9),
        maintenance_ratio=Decimal("0.004"),
        maintenance_amount=Decimal(0),
        max_leverage=125,
    )
    instrument = InstrumentChanged(
        venue="bench",
        symbol="MADEUP",
        base="MADEUP",
        quote="USDT",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal("0.01"),
        step_size=fine,
        min_qty=fine,
        max_qty=Decimal(10**6),
        min_notional=Decimal(5),
        maker_fee=Decimal(0),
        taker_fee=Decimal(fee_bps).scaleb(-4),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=("1m",),
        brackets=(bracket,),
        valid_from_us=0,
    )
    times = (START_S + MINUTE_S * np.arange(bars, dtype=np.int64)) * 1_000_000
    market = MarketHistory(instrument, "1m", times, *candles(bars), np.ones(bars))
    return BacktestRequest(CROSS, (market,), account=AccountSettings(Decimal(CASH), slippage_bps=Decimal(0)))


def digest_all(found: object) -> str:
    """The digest of an indicator's arrays."""
    assert isinstance(found, tuple)
    return digest(*found)


def batch(case: str, size: int, repeats: int) -> None:
    """B1: one indicator over whole arrays, through the port's adapter."""
    from tradewire.trading.indicators import INDICATORS

    name, params = INDICATOR_CALLS[case.removeprefix("B1-")]
    prices = candles(size)._asdict() | {"x": candles(size).close}
    indicator = INDICATORS[name]
    inputs = [prices[field] for field in indicator.inputs]
    timed(lambda: indicator.array(inputs, params), repeats, prints=digest_all)


def stream(case: str, size: int, repeats: int) -> None:
    """B2: one indicator fed bar by bar."""
    from tradewire.trading.indicators import INDICATORS

    name, params = INDICATOR_CALLS[case.removeprefix("B2-")]
    prices = candles(size)._asdict() | {"x": candles(size).close}
    indicator = INDICATORS[name]
    bars = list(zip(*(prices[field].tolist() for field in indicator.inputs), strict=True))

    def run() -> object:
        update = indicator.stream(*params).update
        values = None
        for bar in bars:
            values = update(*bar)
        return values

    timed(run, repeats, prints=lambda found: digest(np.array(found)))


def orders(_: str, size: int, repeats: int) -> None:
    """B3: size × size cells, an order in each."""
    from tradewire.backtest.vectorized import SimulatedPortfolio, simulate_signals

    price, entries, exits = alternating(size, size)

    def prints(found: object) -> str:
        assert isinstance(found, SimulatedPortfolio), "simulate_signals gives one"
        assert len(found) == size * size, "every cell has an order"
        return digest(found.row, found.column, found.size, found.price, found.fee, found.value)

    timed(lambda: simulate_signals(price, entries, exits, cash=float(CASH), size=1.0), repeats, prints=prints)


def cross(case: str, size: int, repeats: int) -> None:
    """B4: a backtest, as a sweep runs it; B4-made: its order ids, fills, trades and fingerprint made, too."""
    asked = request(size, 4)
    engine: BacktestPort
    if case in ("B4-futures", "B4-made"):
        from tradewire.backtest.futures.engine import FuturesEngine

        engine = FuturesEngine()
    else:
        from tradewire.backtest.vectorized import VectorizedEngine

        engine = VectorizedEngine()

    def prints(found: object) -> str:
        assert isinstance(found, BacktestResult), "engines give results"
        return f"{found.fingerprint[:16]} ({len(found.trades)} trades)"

    def run() -> object:
        found = engine.run(asked)
        if case == "B4-made":
            assert found.fingerprint, "engines give results a fingerprint"
            assert list(found.trades), "the crossing trades"
            assert list(found.fills), "the crossing trades"
        return found

    timed(run, repeats, prints=prints)


def sweep(case: str, size: int, repeats: int) -> None:
    """B5: one set's total return; B6: all window pairs; S-<sets>: as many sets as said, for the slope of the cost.

    Without a fee in S, which would ruin the accounts sooner or later: to wait costs less than to trade.
    """
    from tradewire.backtest.vectorized import Outcomes, VectorizedEngine

    if case == "B5":
        pairs, fee_bps = np.array([[FAST, SLOW]]), 0
    elif case == "B6":
        pairs, fee_bps = window_pairs(), 10
    else:
        pairs, fee_bps = spread_pairs(int(case.removeprefix("S-"))), 0
    columns = {"f": pairs[:, 0].astype(np.float64), "s": pairs[:, 1].astype(np.float64)}
    asked, engine = request(size, fee_bps), VectorizedEngine()
    blocks = 0 if case == "B5" else 16  # of B5 the total return alone is asked for

    def prints(found: object) -> str:
        assert isinstance(found, Outcomes), "run_many gives outcomes"
        return digest(found.total_return, found.trades, found.fees, *([found.max_drawdown] if blocks else []))

    timed(lambda: engine.run_many(asked, columns, blocks=blocks), repeats, prints=prints)


def jobs(case: str, size: int, repeats: int) -> None:
    """J-<jobs>: all window pairs, as `tradewire sweep --jobs` runs them; the first call starts the processes' work."""
    from tradewire.backtest.sweeps import processes
    from tradewire.backtest.sweeps.sweeping import TASK_SETS
    from tradewire.backtest.sweeps.tasks import Job, SweepSpan, Task

    pairs = [tuple(map(float, pair)) for pair in window_pairs()]
    span = SweepSpan(-(2**62), 2**62)
    starts = range(0, len(pairs), TASK_SETS)
    chunks = [tuple(range(start, min(start + TASK_SETS, len(pairs)))) for start in starts]
    tasks = [Task(span, numbers, tuple(pairs[number] for number in numbers)) for numbers in chunks]
    with processes(Job(request(size, 10), "vectorized", ("f", "s"), 16), int(case.removeprefix("J-"))) as workers:

        def run() -> object:
            rows = {task.numbers: row for task, row in workers.done(tasks)}
            return np.vstack([rows[task.numbers] for task in tasks])

        timed(run, repeats, prints=digest)


def first_call(_: str, size: int, __: int) -> None:
    """What a new process waits for its first result, with machine code on disk: imports, then the call."""
    started = time.perf_counter()
    from tradewire.backtest.vectorized import VectorizedEngine

    imported = time.perf_counter()
    asked = request(size, 4)
    ready = time.perf_counter()
    found = VectorizedEngine().run_many(asked, {"f": np.array([10.0]), "s": np.array([50.0])})
    say({"import_s": imported - started, "first_s": time.perf_counter() - ready, "fingerprint": digest(found.fees)})


def main() -> None:
    """Measure what the command line asks for."""
    case, size, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    families: Mapping[str, Callable[[str, int, int], None]] = {
        "B1": batch,
        "B2": stream,
        "B3": orders,
        "B4": cross,
        "B5": sweep,
        "B6": sweep,
        "S": sweep,
        "J": jobs,
        "first": first_call,
    }
    families[case.partition("-")[0]](case, size, repeats)


if __name__ == "__main__":
    main()

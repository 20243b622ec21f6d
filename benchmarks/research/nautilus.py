"""B4 by NautilusTrader, run by its own interpreter: `python -m benchmarks.research.nautilus B4 SIZE REPEATS`.

Its own example strategy (an EMA crossing that is always in the market), netting margin account, logging off.
"""

from __future__ import annotations

import sys
from decimal import Decimal

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from benchmarks.research.data import CASH, FAST, SLOW, START_S, candles
from benchmarks.research.timing import timed


def main() -> None:
    """Measure what the command line asks for; making the engine and its bars is not counted."""
    size, repeats = int(sys.argv[2]), int(sys.argv[3])
    instrument = TestInstrumentProvider.ethusdt_perp_binance()
    bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
    times = pd.date_range(pd.Timestamp(START_S, unit="s", tz="UTC"), periods=size, freq="min")
    frame = pd.DataFrame(candles(size)._asdict(), index=times)
    frame["volume"] = 1_000.0
    bars = BarDataWrangler(bar_type, instrument).process(frame)
    made = [_engine(instrument, bar_type, bars) for _ in range(repeats + 1)]
    waiting = iter(made)

    def run() -> BacktestEngine:
        engine = next(waiting)
        engine.run()
        return engine

    timed(
        run,
        repeats,
        prints=lambda engine: f"{engine.cache.orders_total_count()} orders",  # type: ignore[attr-defined]
        enough_s=0.0,  # no more engines than were made
    )


def _engine(instrument: object, bar_type: BarType, bars: list[object]) -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(CASH, USDT)],
    )
    engine.add_instrument(instrument)
    engine.add_data(bars)
    config = EMACrossConfig(
        instrument_id=instrument.id,  # type: ignore[attr-defined]
        bar_type=bar_type,
        trade_size=Decimal(1),
        fast_ema_period=FAST,
        slow_ema_period=SLOW,
        subscribe_trade_ticks=False,
        request_bars=False,
    )
    engine.add_strategy(EMACross(config=config))
    return engine


if __name__ == "__main__":
    main()

"""What is measured, how large, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass

INDICATORS = ("SMA20", "EMA20", "RSI14", "ATR14", "BBANDS20", "MACD")
OURS, PEERS, NAUTILUS = ".venv", ".venv-peers", ".venv-nautilus"
MODULES = {OURS: "ours", PEERS: "peers", NAUTILUS: "nautilus"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bars (B3: rows and columns; B6 and processes: bars of each pair) and the least warm calls of each case."""

    repeats: int
    batch: int
    stream: int
    orders: int
    events: int
    nautilus: int
    single: int
    sweep: int
    parallel: int
    slope: tuple[tuple[int, int], ...]
    """Bars and parameter sets whose cost a bar-evaluation should be the same."""


FULL = Sizes(
    5,
    1_000_000,
    100_000,
    1_000,
    100_000,
    100_000,
    500_000,
    3_000,
    20_000,
    ((1_000, 1_000), (10_000, 1_000), (100_000, 100), (100_000, 1_000), (1_000_000, 100)),
)
QUICK = Sizes(
    5, 200_000, 20_000, 1_000, 20_000, 10_000, 500_000, 3_000, 3_000, ((1_000, 1_000), (10_000, 1_000), (100_000, 100))
)


@dataclass(frozen=True, slots=True)
class Duel:
    """Two programs on one operation. ``aim``: theirs divided by ours should be at least this."""

    title: str
    ours: str
    theirs: str
    environment: str
    peer: str
    size: int
    theirs_size: int
    aim: float
    memory_aim: float | None = None


def duels(sizes: Sizes) -> list[Duel]:
    """All comparisons, in order."""
    found = []
    for name in INDICATORS:
        case = f"B1-{name}"
        found.append(Duel(f"B1 {name}, array", case, case, PEERS, "TA-Lib 0.8.2", sizes.batch, sizes.batch, 1 / 1.2))
    for name in INDICATORS:
        case = f"B2-{name}"
        found.append(Duel(f"B2 {name}, one by one", case, case, PEERS, "talipp 2.7.0", sizes.stream, sizes.stream, 1.0))
    vectorbt, backtesting, nautilus = "vectorbt 1.2.0", "backtesting.py 0.6.6", "NautilusTrader 1.221.0"
    events = sizes.events
    return [
        *found,
        Duel("B3 orders from signals", "B3", "B3", PEERS, vectorbt, sizes.orders, sizes.orders, 10.0),
        Duel("B4 SMA cross, futures engine", "B4-futures", "B4", PEERS, backtesting, events, events, 40.0),
        Duel("B4 the same, all of it made", "B4-made", "B4", PEERS, backtesting, events, events, 15.0),
        Duel("B4 SMA cross, futures engine", "B4-futures", "B4", NAUTILUS, nautilus, events, sizes.nautilus, 300.0),
        Duel("B4 SMA cross, vectorized engine", "B4-vectorized", "B4", PEERS, backtesting, events, events, 80.0),
        Duel("B5 SMA cross, total return", "B5", "B5", PEERS, vectorbt, sizes.single, sizes.single, 12.0),
        Duel("B6 4,851 window pairs", "B6", "B6", PEERS, vectorbt, sizes.sweep, sizes.sweep, 20.0, 8.0),
    ]

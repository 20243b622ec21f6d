"""Random markets as candles: gaps, marks, funding, streams that begin and end at their own times."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tradewire.ingest.domain import CandleLinks
from tradewire.ports.events import CandleClosed
from tradewire.testkit.builders import BTC, ETH, HOUR_US, LTC, candle

INTERVALS = {BTC: "1h", ETH: "1h", LTC: "2h"}
"""The interval that each symbol is told at."""


def market(rng: random.Random, symbols: Iterable[str], bars: int) -> list[CandleClosed]:
    """Random walks with gaps, that start and end at their own times, in event-time order."""
    found: list[CandleClosed] = []
    for symbol in symbols:
        interval = INTERVALS[symbol]
        count = bars // 2 if interval == "2h" else bars
        first, end = rng.randrange(4), count - rng.randrange(4)
        numbers = [n for n in range(first, end) if n == first or rng.random() > 0.12]
        price = Decimal(rng.randrange(500, 2_000)) / 10
        for index, number in enumerate(numbers):
            open_ = price
            price = max(open_ + Decimal(rng.randrange(-60, 61)) / 10, Decimal(1))
            wicks = Decimal(rng.randrange(20)) / 10
            shape = {
                "open": open_,
                "high": max(open_, price) + wicks,
                "low": max(min(open_, price) - wicks, Decimal("0.1")),
            }
            last = index == len(numbers) - 1
            futures = mark_and_funding(rng, {**shape, "close": price})
            found.append(candle(number, price, symbol, interval, last_of_stream=last, **shape, **futures))
    return chained(sorted(found, key=lambda bar: (bar.close_time_us, bar.symbol)))


def chained(candles: Iterable[CandleClosed]) -> list[CandleClosed]:
    """Candles as ingest publishes them: each names the one before it of its market."""
    links = CandleLinks()
    return [bar for bar in map(links.linked, candles) if isinstance(bar, CandleClosed)]


def mark_and_funding(rng: random.Random, prices: dict[str, Decimal]) -> dict[str, Decimal]:
    """A mark that strays from the last price, for most bars, and a settlement of funding now and then."""
    told = {}
    if rng.random() < 0.8:
        away = Decimal(rng.randrange(-9, 10)) / 100
        told = {f"mark_{name}": price + away for name, price in prices.items()}
    if rng.random() < 0.15:
        told["funding_rate"] = Decimal(rng.randrange(-300, 301)) / 100_000
    return told


def also_every_four_hours(rng: random.Random, hourly: Sequence[CandleClosed]) -> list[CandleClosed]:
    """The same market told twice: with bars of 4 h made of the hourly ones, of which a few are missing."""
    groups: dict[int, list[CandleClosed]] = {}
    for bar in hourly:
        groups.setdefault(bar.open_time_us // (4 * HOUR_US), []).append(bar)
    numbers = [number for number in sorted(groups) if number == min(groups) or rng.random() > 0.12]
    longer = []
    for number in numbers:
        group = groups[number]
        shape = {
            "open": group[0].open,
            "high": max(bar.high for bar in group),
            "low": min(bar.low for bar in group),
            "last_of_stream": number == numbers[-1],
        }
        longer.append(candle(number, group[-1].close, BTC, "4h", **shape))
    return sorted([*hourly, *chained(longer)], key=lambda bar: (bar.close_time_us, bar.interval))


def cut(bars: Sequence[CandleClosed], interval: str, count: int) -> list[CandleClosed]:
    """The market without the bars of one interval after ``count`` of them: their stream ends there."""
    kept = [bar for bar in bars if bar.interval == interval][:count]
    kept[-1] = kept[-1].model_copy(update={"last_of_stream": True})
    others = [bar for bar in bars if bar.interval != interval]
    return sorted([*kept, *others], key=lambda bar: (bar.close_time_us, bar.interval))

"""What a kept platform trades on: live public candles where the venue answers, else the sample at a walking pace."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tradewire.app.scenario import Scenario, sample_scenarios

PING_URL = "https://fapi.binance.com/fapi/v1/ping"
"""Binance USDⓈ-M futures, "Test Connectivity"."""
PING_SECONDS = 5.0
LIVE_SYMBOL, LIVE_INTERVAL = "BTCUSDT", "1m"
LIVE_GRACE_SECONDS = 5.0
LIVE_STRATEGY = "rsi-reversion-btc"
"""The sample strategy that a live market starts with, moved there."""
PACED_SCENARIO = "btc-hourly"


@dataclass(frozen=True, slots=True)
class Market:
    """A market for ``tradewire up``. ``documents``: strategies to start with; ``environment``: of the services."""

    name: str
    scenario: Scenario
    documents: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


async def venue_answers(url: str = PING_URL, within_s: float = PING_SECONDS) -> bool:
    """Can the venue's public interface be reached?"""
    try:
        async with httpx.AsyncClient(timeout=within_s) as client:
            return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False


def live_market(project: Path) -> Market:
    """Closed one-minute candles of Binance's BTCUSDT perpetual, without keys; orders stay on paper."""
    scenario = sample_scenarios(project)[PACED_SCENARIO]
    text = (project / "strategies" / f"{LIVE_STRATEGY}.yaml").read_text(encoding="utf-8")
    environment = {
        "TRADEWIRE_MARKET_SOURCE": "ccxt",
        "TRADEWIRE_CCXT_SYMBOLS": f'["{LIVE_SYMBOL}"]',
        "TRADEWIRE_CCXT_INTERVAL": LIVE_INTERVAL,
        "TRADEWIRE_JOIN_GRACE_SECONDS": f"{LIVE_GRACE_SECONDS}",
    }
    name = f"live {LIVE_SYMBOL} {LIVE_INTERVAL} candles of Binance USDⓈ-M futures"
    return Market(name, scenario, (moved(text),), environment)


def paced_market(project: Path, bars_per_second: float) -> Market:
    """The hourly sample, replayed at a pace that can be watched."""
    scenario = sample_scenarios(project)[PACED_SCENARIO]
    documents = tuple(path.read_text(encoding="utf-8") for path in scenario.strategies)
    name = f"replay of {', '.join(scenario.files)} at {bars_per_second:g} bars/s"
    return Market(name, scenario, documents, {"TRADEWIRE_BARS_PER_SECOND": f"{bars_per_second}"})


def moved(document: str) -> str:
    """A strategy file for the live market: its id, venue, symbols and interval replaced, all else kept."""
    strategy_id = f"{LIVE_STRATEGY}-live"
    for key, value in (
        ("id", strategy_id),
        ("venue", "binance"),
        ("symbols", f"[{LIVE_SYMBOL}]"),
        ("interval", LIVE_INTERVAL),
    ):
        document, count = re.subn(rf"^{key}:.*$", f"{key}: {value}", document, count=1, flags=re.MULTILINE)
        assert count == 1, f"a strategy file has a line for {key}"
    return document

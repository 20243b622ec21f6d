"""What a kept platform trades on: candle files at a pace that can be watched, or a venue's public candles, live."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tradewire.app.operating.live_venues import SOURCE, LiveVenue
from tradewire.app.operating.sample import sample_folder
from tradewire.app.operating.scenario import Scenario, sample_scenarios
from tradewire.trading.language import parse_strategy

LIVE_SYMBOLS, LIVE_INTERVAL = ("BTCUSDT",), "1m"
LIVE_GRACE_SECONDS = 5.0
LIVE_STRATEGY = "rsi-reversion-btc"
"""The sample strategy that a live market starts with, moved there."""
PACED_SCENARIO = "btc-hourly"
BARS_PER_SECOND = 5.0
ONCE_BEGUN = "TRADEWIRE_PACED_ONCE_BEGUN"


@dataclass(frozen=True, slots=True)
class Market:
    """A market for ``tradewire up``. ``documents``: strategies to start with; ``environment``: of the services."""

    name: str
    scenario: Scenario
    documents: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def live_market(venue: LiveVenue, symbols: Sequence[str] = LIVE_SYMBOLS, interval: str = LIVE_INTERVAL) -> Market:
    """Closed candles of a venue, without keys; orders stay on paper."""
    sample = sample_folder()
    text = (sample / "strategies" / f"{LIVE_STRATEGY}.yaml").read_text(encoding="utf-8")
    environment = {
        SOURCE: venue.source,
        **venue.assumed,
        **venue.named,
        f"{venue.prefix}SYMBOLS": json.dumps(list(symbols)),
        f"{venue.prefix}INTERVAL": interval,
        "TRADEWIRE_JOIN_GRACE_SECONDS": f"{LIVE_GRACE_SECONDS}",
    }
    document = moved(text, venue=venue.name, symbol=symbols[0], interval=interval)
    name = f"live {interval} candles of {', '.join(symbols)} at {venue.text}"
    return Market(name, Scenario("live", sample / "data/sample", (), ()), (document,), environment)


def data_market(folder: Path, bars_per_second: float = BARS_PER_SECOND) -> Market:
    """All candle files of a folder, replayed at a pace."""
    name = f"replay of {folder} at {bars_per_second:g} bars/s"
    scenario = Scenario("data", folder.resolve(), (), ())
    return Market(name, scenario, (), {"TRADEWIRE_BARS_PER_SECOND": f"{bars_per_second}"})


def paced_once_begun(market: Market) -> Market:
    """A replay that is at full speed until the markets of each account have begun: before that the account waits.

    Which of them begin when is what the files say, so ingest finds out.
    """
    streams: defaultdict[str, set[str]] = defaultdict(set)
    for document in map(parse_strategy, market.documents):
        streams[document.account] |= {f"{document.venue}:{name}:{document.interval}" for name in document.symbols}
    waiting = {account: names for account, names in sorted(streams.items()) if len(names) > 1}
    if not waiting:
        return market
    every = sorted(set().union(*waiting.values()))
    name = f"{market.name}, at full speed until all markets of {', '.join(waiting)} have begun"
    return replace(market, name=name, environment={**market.environment, ONCE_BEGUN: json.dumps(every)})


def paced_market(project: Path, bars_per_second: float = BARS_PER_SECOND) -> Market:
    """The hourly sample, replayed at a pace that can be watched."""
    scenario = sample_scenarios(project)[PACED_SCENARIO]
    documents = tuple(path.read_text(encoding="utf-8") for path in scenario.strategies)
    name = f"replay of {', '.join(scenario.files)} at {bars_per_second:g} bars/s"
    return Market(name, scenario, documents, {"TRADEWIRE_BARS_PER_SECOND": f"{bars_per_second}"})


def set_market(settings: Sequence[str]) -> Market:
    """The market that the user's own settings name; nothing is added to them."""
    sample = sample_folder() / "data/sample"
    return Market(f"as set by {', '.join(settings)}", Scenario("set", sample, (), ()), ())


def moved(document: str, *, venue: str, symbol: str, interval: str) -> str:
    """A strategy file for the live market: its id, venue, symbols and interval replaced, all else kept."""
    for key, value in (
        ("id", f"{LIVE_STRATEGY}-live"),
        ("venue", venue),
        ("symbols", f"[{symbol}]"),
        ("interval", interval),
    ):
        document, count = re.subn(rf"^{key}:.*$", f"{key}: {value}", document, count=1, flags=re.MULTILINE)
        assert count == 1, f"a strategy file has a line for {key}"
    return document

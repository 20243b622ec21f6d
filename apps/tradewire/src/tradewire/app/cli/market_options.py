"""What ``tradewire up`` is to trade, and on whose servers: options, settings, and the refusal where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from tradewire.app.cli.output import CommandError, Exit, fail, say_warnings
from tradewire.app.cli.reading import reading_of
from tradewire.app.cli.run import project_root
from tradewire.app.operating.live_venues import (
    EXCHANGES,
    LIVE_VENUE,
    REST,
    SOURCE,
    LiveVenue,
    hold_listed,
    is_address,
    live_venue,
)
from tradewire.app.operating.market import (
    BARS_PER_SECOND,
    LIVE_INTERVAL,
    LIVE_SYMBOLS,
    Market,
    data_market,
    live_market,
    paced_market,
    paced_once_begun,
    set_market,
)
from tradewire.embedded.external import DATABASES, External, dsn_setting
from tradewire.embedded.user_settings import MARKET, refuse_contradictions
from tradewire.trading.candle_files import ALLOWED_NAMES, has_candles
from tradewire.trading.language import INTERVALS_US, StrategyErrors, parse_strategy

MARKETS = ("live", "replay")


@dataclass(frozen=True, slots=True)
class MarketOptions:
    """What was asked for; None: nothing was. ``symbols``: the venue's own names, with commas between; ``tz``: the zone
    of times in candle files that name none."""

    market: str | None = None
    data: Path | None = None
    venue: str | None = None
    symbols: str | None = None
    interval: str | None = None
    bars_per_second: float | None = None
    strategies: Path | None = None
    tz: str | None = None

    def words(self) -> list[str]:
        """The options as they are typed."""
        named = {
            "--market": self.market,
            "--data": self.data,
            "--venue": self.venue,
            "--symbols": self.symbols,
            "--interval": self.interval,
            "--bars-per-second": self.bars_per_second,
            "--strategies": self.strategies,
            "--tz": self.tz,
        }
        return [word for name, value in named.items() if value is not None for word in (name, str(value))]

    @property
    def live(self) -> bool:
        """Is a venue asked for?"""
        return self.market == "live" or any(x is not None for x in (self.venue, self.symbols, self.interval))

    def names(self) -> tuple[str, ...]:
        """Symbols, in the order given. Raises CommandError for none."""
        found = tuple(filter(None, (text.strip() for text in (self.symbols or "").split(","))))
        if self.symbols is not None and not found:
            fail("--symbols: found none; allowed: names with commas between, e.g. BTCUSDT,ETHUSDT", Exit.USAGE)
        if not found and self.venue not in (None, LIVE_VENUE) and not is_address(self.venue or ""):
            fail(f"--venue {self.venue}: needs --symbols, the venue's own names", Exit.USAGE)
        return found or LIVE_SYMBOLS


def market_of(asked: MarketOptions, environ: Mapping[str, str]) -> Market:
    """The market to keep: by the options, else by the user's settings, else the sample in this folder.

    Raises CommandError for options that exclude one another, SettingsConflictError where one contradicts a setting.
    """
    _check(asked, environ)
    market = _market(asked, environ)
    if asked.strategies is not None:
        market = replace(market, documents=_documents(asked.strategies))
    if not asked.live:
        market = paced_once_begun(market)
    if asked.tz is not None:
        market = replace(market, environment={**market.environment, "TRADEWIRE_MARKET_TZ": asked.tz})
    return market


def _market(asked: MarketOptions, environ: Mapping[str, str]) -> Market:
    if asked.data is not None:
        return data_market(_candles(asked.data, environ), asked.bars_per_second or BARS_PER_SECOND)
    if asked.live:
        return live_market(_venue(asked, environ), asked.names(), asked.interval or LIVE_INTERVAL)
    if asked.market is None and (found := [name for name in MARKET if name in environ]):
        return set_market(found)
    return paced_market(project_root(), asked.bars_per_second or BARS_PER_SECOND)


def _check(asked: MarketOptions, environ: Mapping[str, str]) -> None:
    if asked.market not in (None, *MARKETS):
        fail(f"--market: found {asked.market!r}; allowed: {', '.join(MARKETS)}", Exit.USAGE)
    if asked.interval is not None and asked.interval not in INTERVALS_US:
        fail(f"--interval: found {asked.interval!r}; allowed: {', '.join(INTERVALS_US)}", Exit.USAGE)
    replays = [w for w in asked.words() if w in ("--data", "--bars-per-second", "--tz")]
    replays += ["--market replay"] if asked.market == "replay" else []
    lives = [w for w in asked.words() if w in ("--venue", "--symbols", "--interval")]
    lives += ["--market live"] if asked.market == "live" else []
    if replays and lives:
        fail(f"{replays[0]} replays files and {lives[0]} follows a venue: leave one of the two out", Exit.USAGE)
    if asked.tz is not None:
        reading_of(asked.tz)
    refuse_contradictions(_as_settings(asked, environ), environ)
    if asked.live:
        _hold_venue(asked, _venue(asked, environ))


def _venue(asked: MarketOptions, environ: Mapping[str, str]) -> LiveVenue:
    """The venue that is asked for. Raises CommandError for one that can't be followed."""
    try:
        return live_venue(asked.venue, environ)
    except ValueError as error:
        fail(f"--venue: {error}", Exit.USAGE)


def _hold_venue(asked: MarketOptions, venue: LiveVenue) -> None:
    """Raise CommandError for an id that ccxt does not know, and for an address without Binance's protocol."""
    if venue.source == "ccxt" and (near := _unknown_venue(venue.name)) is not None:
        fail(f"--venue: found {venue.name!r}, which ccxt does not know{near}", Exit.USAGE)
    if (rest := venue.named.get(REST)) is not None:
        try:
            hold_listed(rest, asked.names())
        except ValueError as error:
            fail(f"--venue: {error}", Exit.UNREACHABLE)


def _unknown_venue(venue: str) -> str | None:
    """None for a venue that can be followed; else a hint of what was meant."""
    if venue in EXCHANGES:
        return None
    import ccxt  # takes a second, for those who name a venue

    known = {*EXCHANGES, *ccxt.exchanges}
    if venue in known:
        return None
    near = get_close_matches(venue, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _as_settings(asked: MarketOptions, environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """What each option says, as the setting that says the same."""
    said: dict[str, tuple[str, str]] = {}
    if asked.data is not None:
        said["TRADEWIRE_MARKET_PATH"] = (f"--data {asked.data}", str(asked.data.resolve()))
        said["TRADEWIRE_MARKET_SOURCE"] = (f"--data {asked.data}", "csv")
    if asked.market == "replay":
        said["TRADEWIRE_MARKET_SOURCE"] = ("--market replay", "csv")
    if asked.live:
        said |= _live_settings(asked, _venue(asked, environ))
    if asked.tz is not None:
        said["TRADEWIRE_MARKET_TZ"] = (f"--tz {asked.tz}", asked.tz)
    if asked.bars_per_second is not None:
        option = f"--bars-per-second {asked.bars_per_second:g}"
        said["TRADEWIRE_BARS_PER_SECOND"] = (option, f"{asked.bars_per_second}")
    return said


def _live_settings(asked: MarketOptions, venue: LiveVenue) -> dict[str, tuple[str, str]]:
    option = "--market live" if asked.market else "a venue's candles"
    said: dict[str, tuple[str, str]] = {SOURCE: (option, venue.source)}
    if asked.venue is not None:
        said |= {setting: (f"--venue {asked.venue}", value) for setting, value in venue.named.items()}
    if asked.symbols is not None:
        said[f"{venue.prefix}SYMBOLS"] = (f"--symbols {asked.symbols}", json.dumps(list(asked.names())))
    if asked.interval is not None:
        said[f"{venue.prefix}INTERVAL"] = (f"--interval {asked.interval}", asked.interval)
    return said


def _candles(folder: Path, environ: Mapping[str, str]) -> Path:
    """A folder with candle files. Raises CommandError for one that can't be played."""
    if not folder.is_dir():
        fail(f"--data {folder}: no such folder", Exit.USAGE)
    if not any(has_candles(path.name) for path in folder.iterdir()):
        fail(f"--data {folder}: no candle files; allowed: {ALLOWED_NAMES}", Exit.USAGE)
    if "TRADEWIRE_INSTRUMENTS_FILE" not in environ and not (folder / "instruments.yaml").is_file():
        fail(
            f"--data {folder}: no instruments.yaml in it, which says tick, step, fees and brackets; "
            "`tradewire init` writes one to begin with, and TRADEWIRE_INSTRUMENTS_FILE may name another",
            Exit.USAGE,
        )
    return folder


def _documents(folder: Path) -> tuple[str, ...]:
    """The strategy files of a folder. Raises CommandError for one that is none, with its faults."""
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        fail(f"--strategies {folder}: found no *.yaml file there", Exit.USAGE)
    documents = []
    for path in files:
        documents.append(path.read_text(encoding="utf-8"))
        try:
            say_warnings(path, parse_strategy(documents[-1]).warnings)
        except StrategyErrors as error:
            raise CommandError(f"{path}:\n{error}") from error
    return tuple(documents)


def external_of(bus: str | None, registry: str | None, dsns: list[str], environ: Mapping[str, str]) -> External:
    """The user's own servers; what no option names is by its setting. ``dsns``: SERVICE=DSN.

    Raises CommandError, SettingsConflictError.
    """
    named: dict[str, str] = {}
    for text in dsns:
        name, _, dsn = text.partition("=")
        if name not in DATABASES or not dsn:
            allowed = f"allowed: SERVICE=DSN with one of {', '.join(DATABASES)}"
            fail(f"--dsn: found {name if dsn else 'no ='!r}; {allowed}", Exit.USAGE)
        named[name] = dsn
    said = {dsn_setting(name): (f"--dsn {name}=…", dsn) for name, dsn in named.items()}
    refuse_contradictions(said, environ)
    own = External.of(environ)
    return replace(
        own, bus_url=bus or own.bus_url, registry_url=registry or own.registry_url, dsns={**own.dsns, **named}
    )

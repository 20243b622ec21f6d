"""What a drill trades: a sample as it is, or three markets in which strategies change their version all the time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tradewire.app.operating.scenario import Scenario, sample_scenarios
from tradewire.ports.events import StrategyConfigPublished, TradingMode
from tradewire.testkit.chaos.market import close_times_us

CHANGING = "changing"
"""The drill's own scenario."""
VENUE, SOURCE = "coinbase", "coinbase-BTCUSD-1h.csv"
SYMBOLS = ("BTCUSD", "ETHUSD", "LTCUSD")
ROWS_APART = 4_000
"""The second and third market are later stretches of the same file, on the clock of the first."""
CHANGE_EVERY_BARS = 6
NOTICE_BARS = 2
"""A version is in force so many bars after the one behind which it is published."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A version of a strategy, published once so many bars have come."""

    after_bars: int
    config: StrategyConfigPublished


@dataclass(frozen=True, slots=True)
class Drilled:
    """A scenario, when its bars close, and what is published while it runs."""

    scenario: Scenario
    times_us: tuple[int, ...]
    publications: tuple[Publication, ...] = ()


@dataclass(frozen=True, slots=True)
class _Strategy:
    """A strategy that goes with the last bars. ``beyond``: how far a price must have moved, as a factor."""

    name: str
    account: str
    symbols: tuple[str, ...]
    changes: bool
    beyond: str = "1"

    def document(self, version: int) -> str:
        """Its file as of a version. A version that is even trades the other way round."""
        up, down = f"close > back * {self.beyond}", f"close * {self.beyond} < back"
        if version % 2 == 0:
            up, down = down, up
        lines = {
            "id": self.name,
            "venue": VENUE,
            "account": self.account,
            "symbols": f"[{', '.join(self.symbols)}]",
            "interval": "1h",
            "indicators": f"{{back: 'shift(close, {1 + version % 3})'}}",
            "entry_long": up,
            "exit_long": down,
            "entry_short": down,
            "exit_short": up,
            "sizing": "{fraction_of_equity: 0.2, max_leverage: 2}",
        }
        return "".join(f"{name}: {text}\n" for name, text in lines.items())


STRATEGIES = (
    _Strategy("alone", "solo", ("BTCUSD",), changes=True),
    _Strategy("steady", "shared", ("BTCUSD", "ETHUSD"), changes=False),
    _Strategy("moving", "shared", ("LTCUSD", "ETHUSD"), changes=True),
    _Strategy("calm", "quiet", SYMBOLS, changes=False, beyond="1.03"),
)
"""One is alone on its account, two share one, and one seldom trades: bars without an order."""


def drilled(name: str, project: Path, folder: Path, *, bars: int | None) -> Drilled:
    """A scenario by name, cut to so many bars; ``folder`` is where files made for it go."""
    if name == CHANGING:
        return _changing(project, folder, bars)
    return cut(sample_scenarios(project)[name], folder, bars)


def cut(scenario: Scenario, folder: Path, bars: int | None) -> Drilled:
    """The first bars of a scenario."""
    times_us = close_times_us(scenario)
    if bars is None or bars >= len(times_us):
        return Drilled(scenario, times_us)
    folder.mkdir(parents=True, exist_ok=True)
    for name in scenario.files:
        header, *rows = (scenario.data / name).read_text(encoding="utf-8").splitlines()
        interval_us = close_times_us(dataclasses.replace(scenario, files=(name,)))
        kept = [row for row, time_us in zip(rows, interval_us, strict=True) if time_us <= times_us[bars - 1]]
        (folder / name).write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    files = tuple(name for name in scenario.files if len((folder / name).read_text().splitlines()) > 1)
    (folder / "instruments.yaml").write_text((scenario.data / "instruments.yaml").read_text(encoding="utf-8"))
    return Drilled(dataclasses.replace(scenario, data=folder, files=files), times_us[:bars])


def _changing(project: Path, folder: Path, bars: int | None) -> Drilled:
    folder.mkdir(parents=True, exist_ok=True)
    data = project / "data/sample"
    header, *rows = (data / SOURCE).read_text(encoding="utf-8").splitlines()
    count = min(bars or len(rows), len(rows) - ROWS_APART * (len(SYMBOLS) - 1))
    times = [row.partition(",")[0] for row in rows]
    files = []
    for number, symbol in enumerate(SYMBOLS):
        prices = [row.partition(",")[2] for row in rows[number * ROWS_APART :]]
        files.append(f"{VENUE}-{symbol}-1h.csv")
        lines = [header, *(f"{time},{price}" for time, price in zip(times[:count], prices[:count], strict=True))]
        (folder / files[-1]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "instruments.yaml").write_text(_instruments(data / "instruments.yaml"), encoding="utf-8")
    documents = []
    for strategy in STRATEGIES:
        documents.append(folder / f"{strategy.name}.yaml")
        documents[-1].write_text(strategy.document(1), encoding="utf-8")
    scenario = Scenario(CHANGING, folder, tuple(files), tuple(documents))
    times_us = close_times_us(scenario)
    return Drilled(scenario, times_us, tuple(_publications(times_us)))


def _instruments(path: Path) -> str:
    """The sample's rules of its hourly market, for each of ours."""
    known = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = next(item for item in known["instruments"] if item["venue"] == VENUE)
    made: list[Mapping[str, object]] = [rules | {"symbol": symbol, "base": symbol[:3]} for symbol in SYMBOLS]
    return yaml.safe_dump({"instruments": made})


def _publications(times_us: tuple[int, ...]) -> Iterator[Publication]:
    """A new version every few bars, of one strategy and the other; now and then two of one in successive bars."""
    changing = [strategy for strategy in STRATEGIES if strategy.changes]
    versions = dict.fromkeys((strategy.name for strategy in changing), 1)
    for turn, bar in enumerate(range(CHANGE_EVERY_BARS, len(times_us) - NOTICE_BARS - 2, CHANGE_EVERY_BARS)):
        strategy = changing[turn // 2 % len(changing)]
        for after in (bar, bar + 1)[: 1 + turn % 2]:
            versions[strategy.name] += 1
            version = versions[strategy.name]
            yield Publication(
                after,
                StrategyConfigPublished(
                    strategy_id=strategy.name,
                    version=version,
                    document=strategy.document(version),
                    mode=TradingMode.PAPER,
                    author="drill",
                    effective_from_us=times_us[after + NOTICE_BARS],
                    published_at_us=times_us[after],
                ),
            )

"""Checks that every bar was evaluated by the version in force at its close, once by each strategy that trades it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tradewire.ports.events import CandleClosed, StrategyEvaluated
from tradewire.testkit.chaos.scenario import Drilled
from tradewire.testkit.checker import Audited, Said
from tradewire.trading.language import parse_strategy


def check_versions(drilled: Drilled, said: Sequence[Said], report: Audited) -> None:
    """Compare the evaluations with what was published: files at the start, later versions each from its time."""
    versions: dict[str, list[tuple[int, int, str]]] = {}
    for path in drilled.scenario.strategies:
        document = path.read_text(encoding="utf-8")
        versions[parse_strategy(document).id] = [(0, 1, document)]
    for publication in drilled.publications:
        config = publication.config
        versions[config.strategy_id].append((config.effective_from_us, config.version, config.document))
    bars = {
        (one.event.venue, one.event.symbol, one.event.interval, one.event.close_time_us)
        for one in said
        if isinstance(one.event, CandleClosed)
    }
    expected = Counter(
        (strategy_id, version, symbol, time_us)
        for venue, symbol, interval, time_us in bars
        for strategy_id, story in versions.items()
        for version in _version_on(story, venue, symbol, interval, time_us)
    )
    found = Counter(
        (event.strategy_id, event.config_version, event.symbol, event.event_time_us)
        for event in {one.event_id: one.event for one in said if isinstance(one.event, StrategyEvaluated)}.values()
        if isinstance(event, StrategyEvaluated)
    )
    for kind, missing in (("lost", expected - found), ("duplicate", found - expected)):
        for strategy_id, version, symbol, time_us in missing:
            report.note(kind, f"evaluation of {symbol} at {time_us} by {strategy_id} version {version}")


def _version_on(
    story: Sequence[tuple[int, int, str]], venue: str, symbol: str, interval: str, time_us: int
) -> tuple[int, ...]:
    """The version in force at a time, if it trades the bar."""
    _, version, document = max((told for told in story if told[0] <= time_us), key=lambda told: (told[0], told[1]))
    strategy = parse_strategy(document)
    trades = (strategy.venue, strategy.interval) == (venue, interval) and symbol in strategy.symbols
    return (version,) if trades else ()

"""What the versions in force decide on the bars of the partitions that this process owns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from tradewire.ports.events import ActiveVersion, IndicatorsUpdated, StrategyStatusChanged
from tradewire.ports.message import Emit, Envelope
from tradewire.strategy.domain.evaluating import BARS_MAX, RecentBars, evaluate
from tradewire.strategy.domain.history import begins_us
from tradewire.strategy.domain.validation import compiled_version
from tradewire.trading.language import INTERVALS_US, CompiledStrategy
from tradewire.trading.roster import Roster


class Evaluations:
    """Each a pure function of one bar and the version that decides on it.

    ``roster``, ``partitions``: who is in force, and what this process owns, as they are at each call; ``asked_in``:
    traceparent of a version's configuration, empty if not known.
    """

    def __init__(self, roster: Roster, partitions: Collection[int], asked_in: Callable[[str, int], str]) -> None:
        self._roster, self._partitions, self._asked_in = roster, partitions, asked_in
        self._compiled: dict[tuple[str, int], CompiledStrategy] = {}
        self._bars = RecentBars()

    def of(self, event: IndicatorsUpdated, envelope: Envelope) -> Iterator[Emit]:
        """One of each strategy that trades the symbol at this interval."""
        yield from self.of_recalled()
        self._bars.take(event, envelope)
        for strategy_id, version in self._deciding(event):
            yield self._evaluated(strategy_id, version, event, envelope)

    def missed(self, status: StrategyStatusChanged) -> list[Emit]:
        """Those on bars that came before this answer did, which the roster does not have yet.

        Raises RefusedRecordError when a version of it can't be compiled.
        """
        for version in status.active:
            self._compiled_of(status.strategy_id, version)
        undecided = self._bars.undecided(status, self._roster, self._partitions)
        return [self._evaluated(status.strategy_id, version, bar, cause) for version, bar, cause in undecided]

    def recall(self, event: IndicatorsUpdated, envelope: Envelope) -> None:
        """A bar that an owner of its partition before this process has passed."""
        self._bars.recall(event, envelope)

    def of_recalled(self) -> Iterator[Emit]:
        """Those that an owner before may not have made: it had not heard that their streams had begun.

        One that it made has the same id and was read before this one: it stands.
        """
        for event, cause in self._bars.recalled(self._partitions):
            for strategy_id, version in self._deciding(event):
                since_us = begins_us(self._roster.versions_of(strategy_id), version, event.symbol)
                if event.event_time_us - since_us < BARS_MAX * INTERVALS_US[event.interval]:
                    yield self._evaluated(strategy_id, version, event, cause)

    def _deciding(self, event: IndicatorsUpdated) -> Iterator[tuple[str, ActiveVersion]]:
        market = event.venue, event.symbol
        for strategy_id in self._roster.strategies_on(*market):
            version = self._roster.decides(strategy_id, market, event.interval, event.event_time_us)
            if version is not None:
                yield strategy_id, version

    def _evaluated(self, strategy_id: str, version: ActiveVersion, event: IndicatorsUpdated, cause: Envelope) -> Emit:
        compiled = self._compiled_of(strategy_id, version)
        return evaluate(strategy_id, version, compiled, event, cause, asked_in=self._asked_in)

    def _compiled_of(self, strategy_id: str, version: ActiveVersion) -> CompiledStrategy:
        """Compiled when it first decides."""
        compiled = self._compiled.get(key := (strategy_id, version.version))
        if compiled is None or compiled.digest != version.digest:
            compiled = self._compiled[key] = compiled_version(strategy_id, version)
        return compiled

"""A bar's evaluation by one version of a strategy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from itertools import zip_longest

from tradewire.ports.events import (
    ActiveVersion,
    IndicatorsUpdated,
    Signal,
    Sizing,
    SizingMethod,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Attributes, Emit, Envelope, Work
from tradewire.trading.language import CompiledStrategy
from tradewire.trading.roster import Roster

Bar = tuple[IndicatorsUpdated, Envelope]
BARS_MAX = 64
"""Of a market, after the newest one that the process that answers had seen when it looked: more than a few seconds' of
any market.
"""


def evaluate(
    strategy_id: str,
    version: ActiveVersion,
    compiled: CompiledStrategy,
    event: IndicatorsUpdated,
    envelope: Envelope,
    *,
    asked_in: Callable[[str, int], str],
) -> Emit:
    """What a version decides on a bar, and what it saw.

    ``asked_in``: traceparent of a version's configuration, empty if not known.
    """
    answer = compiled.evaluate(event.values, event.previous)
    evaluated = StrategyEvaluated(
        account_id=version.account_id,
        strategy_id=strategy_id,
        config_version=version.version,
        venue=event.venue,
        symbol=event.symbol,
        interval=event.interval,
        event_time_us=event.event_time_us,
        signal=Signal(answer.signal.name),
        ready=answer.ready,
        entry_long=answer.entry_long,
        exit_long=answer.exit_long,
        entry_short=answer.entry_short,
        exit_short=answer.exit_short,
        close=event.close,
        sizing=Sizing(
            method=SizingMethod(compiled.sizing.method.name),
            value=float(compiled.sizing.amount),
            max_leverage=float(compiled.sizing.max_leverage) if compiled.sizing.max_leverage is not None else None,
            inputs=dict(answer.sizing_inputs),
        ),
        stop_distance=answer.stop_distance,
        take_profit_distance=answer.take_profit_distance,
        trailing_distance=answer.trailing_distance,
        seen={key: event.values.get(key) for key in compiled.demands},
        candle_offset=event.input_offset,
        last_of_stream=event.last_of_stream,
    )
    work = _work(evaluated, asked_in(strategy_id, version.version))
    return Emit(evaluated, envelope, strategy_id, work=work)


def _work(evaluated: StrategyEvaluated, config: str) -> Work:
    """The evaluation as a span, linked to the configuration; one with a signal may lead to an order."""
    attributes: Attributes = {
        "tradewire.strategy.id": evaluated.strategy_id,
        "tradewire.config.version": evaluated.config_version,
    }
    signals = evaluated.signal is not Signal.HOLD
    return Work("strategy.evaluate", attributes, kept=signals, logged=signals, links=(config,) if config else ())


class RecentBars:
    """The last bars of each market and interval that this process evaluates, as many as an answer may come late.

    What an owner before has passed is recalled: it may have died, or handed over, before it heard an answer.
    """

    def __init__(self) -> None:
        self._bars: dict[tuple[str, str, str], deque[Bar]] = {}
        self._recalled: list[Bar] = []

    def take(self, event: IndicatorsUpdated, envelope: Envelope) -> bool:
        """A bar came; False for one that is read again, which says nothing new."""
        bars = self._bars.setdefault((event.venue, event.symbol, event.interval), deque(maxlen=BARS_MAX))
        if bars and event.event_time_us <= bars[-1][0].event_time_us:
            return False
        bars.append((event, envelope))
        return True

    def recall(self, event: IndicatorsUpdated, envelope: Envelope) -> None:
        """A bar that an owner before this process has passed."""
        if self.take(event, envelope):
            self._recalled.append((event, envelope))

    def recalled(self, partitions: Collection[int]) -> list[Bar]:
        """The last bars of these partitions, those that were recalled and not asked for since; in their order."""
        bars, self._recalled = self._recalled, []
        return [bar for bar in bars if bar[1].partition in partitions and self._is_recent(bar[0])]

    def _is_recent(self, event: IndicatorsUpdated) -> bool:
        return event.event_time_us >= self._bars[event.venue, event.symbol, event.interval][0][0].event_time_us

    def undecided(
        self, status: StrategyStatusChanged, roster: Roster, partitions: Collection[int]
    ) -> Iterator[tuple[ActiveVersion, IndicatorsUpdated, Envelope]]:
        """Versions that decide on bars which came before their answer did, as another process gave it meanwhile.

        ``roster``: without the answer. What a version before has decided on stays decided.
        """
        for version, after in zip_longest(status.active, status.active[1:]):
            ends_us = after.effective_from_us if after is not None else None
            for symbol in version.symbols:
                for bar, cause in self._bars.get((version.venue, symbol, version.interval), ()):
                    begun = version.effective_from_us <= bar.event_time_us
                    ended = ends_us is not None and ends_us <= bar.event_time_us
                    known = roster.version(status.strategy_id, bar.event_time_us)
                    decided = known is not None and symbol in known.symbols and known.interval == version.interval
                    if begun and not ended and not decided and cause.partition in partitions:
                        yield version, bar, cause

"""Bars that risk refused outside their steps: nobody else answers for them, so their accounts go on behind them.

Either no version in force decided on the bar when it was refused, and a later answer of strategy's says that one did,
as an instance that was stopped answers late (ADR 30). Or no evaluation of the bar was read, but those of later bars.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from tradewire.ports.events import RiskAssessed
from tradewire.trading.roster import VERSION_IN_FORCE

BAR_EVALUATED = "bar_evaluated"
"""The rule that an evaluation of a bar was read before those of later bars."""
REFUSED_MAX = 1_000
"""Event times of an account that are remembered."""
Streams = AbstractSet[tuple[str, str, int]]
"""Strategies with a symbol and a version each."""


class RefusedBars:
    """Those of one account, by event time: strategies, with a symbol and a version each."""

    def __init__(self, saved: Iterable[tuple[int, str, str, int]] = ()) -> None:
        self._streams: dict[int, set[tuple[str, str, int]]] = {}
        for time_us, strategy_id, symbol, version in saved:
            self._streams.setdefault(time_us, set()).add((strategy_id, symbol, version))

    def add(self, event: RiskAssessed) -> None:
        """One was refused. Where it was for another reason, the bar's own evaluation is answered still."""
        if not any(outcome.rule in (VERSION_IN_FORCE, BAR_EVALUATED) and not outcome.passed for outcome in event.rules):
            return
        stream = (event.strategy_id, event.symbol, event.config_version)
        self._streams.setdefault(event.event_time_us, set()).add(stream)
        if len(self._streams) > REFUSED_MAX:
            del self._streams[next(iter(self._streams))]

    def at(self, time_us: int) -> Streams:
        """Whose bars of an event time were refused."""
        return self._streams.get(time_us, frozenset())

    def saved(self, after_us: int) -> list[tuple[int, str, str, int]]:
        """What is ahead of an account that has come to ``after_us``."""
        return [(at_us, *stream) for at_us, found in self._streams.items() if at_us > after_us for stream in found]

"""What was asked and is not answered: per strategy in order, each question with what was found about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tradewire.ports.events import ConfigStatus, StrategyConfigPublished, StrategyStatusChanged
from tradewire.ports.message import Emit, Envelope, derived_id
from tradewire.strategy.domain.starts import ToLookUp
from tradewire.strategy.domain.validation import Examination


@dataclass(slots=True, eq=False)
class Question:
    """A version to answer, or, with ``config`` None, a strategy to retire.

    ``begun``: somebody looks into it; ``ready``: all is known that its answer depends on. ``looked_up``: what of bars
    and accounts was; None: all. ``instruments_end``: how far the instruments' topic reached when that was looked up.
    """

    strategy_id: str
    config: StrategyConfigPublished | None
    envelope: Envelope
    begun: bool = False
    ready: bool = False
    finding: Examination | None = None
    looked_up: ToLookUp | None = None
    instruments_end: int = 0

    def is_answered_by(self, known: StrategyStatusChanged | None) -> bool:
        """Does the newest answer about the strategy say it all? A question is read again, and by several processes."""
        trades = known is not None and known.status is not ConfigStatus.RETIRED
        if known is None or self.config is None:
            return not trades and self.config is None
        return trades and self.config.version <= known.version


class Questions:
    """Open questions of all strategies. Of those of one strategy that nobody has begun only the newest counts."""

    def __init__(self) -> None:
        self._open: dict[str, deque[Question]] = {}
        self._asked_in: dict[tuple[str, int], str] = {}

    def __iter__(self) -> Iterator[str]:
        """Strategies that were asked about, sorted."""
        return iter(sorted(self._open))

    def __bool__(self) -> bool:
        return bool(self._open)

    def ask(self, question: Question) -> None:
        """The newest question about its strategy."""
        if question.config is not None:
            self._asked_in[question.strategy_id, question.config.version] = question.envelope.traceparent
        waiting = self._open.setdefault(question.strategy_id, deque())
        if waiting and not waiting[-1].begun:
            waiting.pop()
        waiting.append(question)

    def asked_in(self, strategy_id: str, version: int) -> str:
        """Traceparent of the configuration of a version; empty when it was not read since the start."""
        return self._asked_in.get((strategy_id, version), "")

    def first(self) -> list[Question]:
        """The question of each strategy that is to be answered next, as asked."""
        return [waiting[0] for waiting in self._open.values()]

    def next_after(self, question: Question) -> Question | None:
        """Take an answered question away; returns the next one about its strategy."""
        waiting = self._open[question.strategy_id]
        waiting.popleft()
        if waiting:
            return waiting[0]
        del self._open[question.strategy_id]
        return None

    def under_way(self) -> bool:
        """Does anybody look into a question?"""
        return any(waiting[0].begun and not waiting[0].ready for waiting in self._open.values())

    def put_back(self) -> None:
        """Whoever answers from now on begins anew, with the newest question of each strategy."""
        for strategy_id, waiting in self._open.items():
            newest = waiting[-1]
            self._open[strategy_id] = deque([Question(strategy_id, newest.config, newest.envelope)])


class Given:
    """Answers that this process gave and has not read back: what it knows of a strategy is that, or newer.

    And answers that came late, of a leader before that was stopped: docs/adr/0030-late-answers.md.
    """

    def __init__(self) -> None:
        self._unread: dict[str, list[StrategyStatusChanged]] = {}
        self._led: set[str] = set()
        self._late: dict[str, tuple[StrategyStatusChanged, Envelope]] = {}
        self._displaced: set[str] = set()

    def displaced(self, strategy_id: str) -> None:
        """A record that is no answer stands behind the last one about a strategy."""
        self._displaced.add(strategy_id)

    def note(self, status: StrategyStatusChanged) -> None:
        """An answer goes out."""
        self._displaced.discard(status.strategy_id)
        self._unread.setdefault(status.strategy_id, []).append(status)
        self._led.add(status.strategy_id)

    def leads_no_more(self) -> None:
        """What others answer from now on stands."""
        self._led.clear()

    def is_read_back(self, status: StrategyStatusChanged) -> bool:
        """Is it one of ours? Then those before it are read back too, or never got to the topic."""
        self._displaced.discard(status.strategy_id)
        unread = self._unread.get(status.strategy_id, [])
        if status not in unread:
            return False
        del unread[: unread.index(status) + 1]
        return True

    def is_late(self, status: StrategyStatusChanged, cause: Envelope, *, stands: bool) -> bool:
        """Does another's answer not count? Whoever leads has the last word about what it answered itself.

        ``stands``: nothing later is known.
        """
        if stands and status.strategy_id not in self._led:
            self._late.pop(status.strategy_id, None)
            return False
        known = self._late.get(status.strategy_id)
        if known is None or status.answered_at_us >= known[0].answered_at_us:
            self._late[status.strategy_id] = status, cause
        return True

    def to_say_again(self, known: Mapping[str, StrategyStatusChanged]) -> Iterator[tuple[StrategyStatusChanged, Emit]]:
        """What stands of each strategy of which the last record on the topic came late, or is no answer."""
        late, self._late = self._late, {}
        for strategy_id, (status, cause) in late.items():
            stands = known[strategy_id]
            after_us = max(stands.answered_at_us, status.answered_at_us + 1)
            again = stands.model_copy(update={"answered_at_us": after_us})
            yield again, Emit(again, cause, "again")
        displaced, self._displaced = self._displaced & known.keys(), set()
        for strategy_id in sorted(displaced):
            stands = known[strategy_id]
            again = stands.model_copy(update={"answered_at_us": stands.answered_at_us + 1})
            yield again, Emit(again, event_id=derived_id(strategy_id, "answered again", again.answered_at_us))

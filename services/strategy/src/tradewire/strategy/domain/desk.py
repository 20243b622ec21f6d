"""The strategy desk: answers every configuration once, and every snapshot with one evaluation per strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tradewire.ports.events import (
    ActiveVersion,
    ConfigStatus,
    IndicatorsUpdated,
    InstrumentChanged,
    RefusalReason,
    StrategyConfigPublished,
    StrategyStatusChanged,
)
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.strategy.domain.evaluations import Evaluations
from tradewire.strategy.domain.history import (
    VERSIONS_BYTES_MAX,
    Versions,
    followed,
    left,
    size_bytes,
    still_needed,
    version_of,
)
from tradewire.strategy.domain.instruments import Instruments
from tradewire.strategy.domain.questions import Given, Question, Questions
from tradewire.strategy.domain.validation import (
    Examination,
    RefusedError,
    examined,
    fit,
    hold_immutable,
    hold_markets,
    hold_now,
    hold_size,
)
from tradewire.trading.roster import Roster

LEADER_PARTITION = 0
QUIET_US = 2_000_000
"""A question about a market that is not known waits until no new one came for so long: topics have no common order."""
Feed = tuple[str, str, str]
"""Venue, symbol and interval of a stream of bars."""


class StrategyDesk:
    """Configurations of all strategies; evaluations for the partitions that this process owns.

    The owner of partition 0 answers configurations. An evaluation is a pure function of one snapshot. ``examine``
    begins to look into a question, which ends with ``examined``; unless it is set, that happens at once.
    """

    examine: Callable[[Question], None]

    def __init__(self) -> None:
        self.examine = self._examine_at_once
        self.instruments = Instruments()
        self._roster = Roster()
        self._statuses: dict[str, StrategyStatusChanged] = {}
        self._questions, self._given = Questions(), Given()
        self._partitions: set[int] = set()
        self._evaluations = Evaluations(self._roster, self._partitions, self._questions.asked_in)
        self._newest_us = -1
        self._seen_us: dict[Feed, int] = {}
        self._passed_us: dict[str, int] = {}
        self._stirred, self._quiet_since_us = True, 0
        self._digests: dict[tuple[str, int], str] = {}
        self._journal: list[tuple[StrategyConfigPublished | None, StrategyStatusChanged]] = []

    # ---- configurations ----

    def on_instrument(self, event: InstrumentChanged, envelope: Envelope) -> Iterable[Emit]:
        """What can be traded."""
        self._stirred |= self.instruments.take(event, envelope.offset)
        return ()

    def on_status(self, event: StrategyStatusChanged, envelope: Envelope) -> Iterable[Emit]:
        """Our own answers, read back: what is in force, also for an instance that did not give them.

        One that comes late, of a leader before, does not stand, but is the last on its topic: whoever leads says again
        what does.
        """
        stands = self._roster.stands(event)
        if self._given.is_read_back(event) or self._given.is_late(event, envelope, stands=stands):
            return ()
        missed = self._evaluations.missed(event)  # a broken version is refused before anything is taken
        self._take(event)
        return missed

    def on_displaced(self, strategy_id: str) -> None:
        """A record that is no answer stands behind the last answer: whoever leads says again what stands."""
        self._given.displaced(strategy_id)

    def on_config(self, event: StrategyConfigPublished, envelope: Envelope) -> Iterable[Emit]:
        """A version to answer, at a tick, by whoever leads then."""
        return self._ask(Question(event.strategy_id, event, envelope))

    def on_retired(self, strategy_id: str, envelope: Envelope) -> Iterable[Emit]:
        """A tombstone: the strategy stops."""
        return self._ask(Question(strategy_id, None, envelope))

    def _ask(self, question: Question) -> Iterable[Emit]:
        self._stirred = True
        self._questions.ask(question)
        return ()

    def tick(self, now_us: int) -> Iterator[Emit]:
        """Answer what was asked and looked into, if this process leads."""
        yield from self._evaluations.of_recalled()
        if LEADER_PARTITION not in self._partitions:
            return
        for status, emit in self._given.to_say_again(self._statuses):
            self._give(status)
            yield emit
        if self._stirred:
            self._stirred, self._quiet_since_us = False, now_us
        quiet = now_us - self._quiet_since_us >= QUIET_US
        for first in self._questions.first():
            question: Question | None = first
            while question is not None and self._answerable(question, quiet=quiet):
                if not question.is_answered_by(self._statuses.get(question.strategy_id)):
                    status = self._answer(question.strategy_id, question.config, question.finding, now_us)
                    self._give(status)
                    self._journal.append((question.config, status))
                    yield Emit(status, question.envelope)
                question = self._questions.next_after(question)

    def _give(self, status: StrategyStatusChanged) -> None:
        self._take(status)
        self._given.note(status)

    def _answerable(self, question: Question, *, quiet: bool) -> bool:
        """Is all known that the answer depends on? A market that is not known may be in what is still to be read."""
        if question.is_answered_by(self._statuses.get(question.strategy_id)):
            return True
        if not question.begun:
            question.begun = True
            self.examine(question)
        if not question.ready or question.finding is None:
            return question.ready
        if not self.instruments.lack(question.finding):
            return True
        return quiet and bool(self.instruments.known) and self.instruments.read_until >= question.instruments_end

    def _examine_at_once(self, question: Question) -> None:
        self.examined(question, examined(question.config) if question.config is not None else None)

    def _answer(
        self, strategy_id: str, config: StrategyConfigPublished | None, finding: Examination | None, now_us: int
    ) -> StrategyStatusChanged:
        known = self._statuses.get(strategy_id)
        now_us = max(now_us, known.answered_at_us + 1) if known is not None else now_us  # whatever others' clocks say
        if config is None:
            assert known is not None, "nobody retires what was never answered"
            changes = {"status": ConfigStatus.RETIRED, "active": self._left(known.active), "answered_at_us": now_us}
            return known.model_copy(update=changes)
        assert finding is not None, "it was examined"
        active = self.versions_of(strategy_id)
        reasons: tuple[RefusalReason, ...] = ()
        try:
            active = self._with(active, config, finding)
        except RefusedError as refused:
            reasons = refused.reasons
        return StrategyStatusChanged(
            strategy_id=strategy_id,
            version=config.version,
            status=ConfigStatus.REFUSED if reasons else ConfigStatus.ACCEPTED,
            reasons=reasons,
            active=active,
            answered_at_us=now_us,
        )

    def _with(self, active: Versions, config: StrategyConfigPublished, finding: Examination) -> Versions:
        """The versions that may be needed, and this one. Raises RefusedError when it may not trade."""
        compiled = fit(finding, self.instruments.known)
        hold_immutable(
            config, self._digests.setdefault((config.strategy_id, config.version), compiled.digest), compiled
        )
        version = version_of(config, compiled, self._begins_us(active, config))
        kept = followed(still_needed(active, self._passed_us), version)
        hold_markets(active[-1] if active else None, compiled)
        before = kept[-2] if len(kept) > 1 else None
        if before is not None and before.symbols and before.interval != version.interval:
            hold_now(before, version, self._newest_us)
            kept = followed(self._without(kept[:-1], before), version)
        hold_size(kept)
        return kept

    def _begins_us(self, active: Versions, config: StrategyConfigPublished) -> int:
        """The time asked for, but not before the first bar after the newest one that anybody evaluated."""
        gone_us = active[-1].effective_from_us if active and not active[-1].symbols else 0
        return max(config.effective_from_us, self._newest_us + 1, gone_us)

    def _left(self, active: Versions) -> Versions:
        """What was in force, and that it leaves each market after the newest bar of it: all stop at the same bar.

        Not later: should the next bar be missing, nobody would answer for it. Empty when nothing was in force yet.
        """
        begun = tuple(version for version in active if version.effective_from_us <= self._newest_us)
        return still_needed(self._without(begun, begun[-1]), self._passed_us) if begun else ()

    def _without(self, versions: Versions, last: ActiveVersion) -> Versions:
        """The versions up to the one in force, each of whose streams ends right behind the newest bar of its market.

        Where no bar is known, it never began: nobody may wait for a first one that is missing. Where there are too many
        different ends for one message, it ends at no bar's close: then nobody waits for the last bar (``Roster.owed``).
        """
        feeds = {symbol: (last.venue, symbol, last.interval) for symbol in last.symbols}
        exact = left(versions, {symbol: self._seen_us.get(feed, -1) + 1 for symbol, feed in feeds.items()})
        if size_bytes(exact) <= VERSIONS_BYTES_MAX:
            return exact
        return left(versions, dict.fromkeys(feeds, self._newest_us + 2))

    def _take(self, status: StrategyStatusChanged) -> None:
        self._statuses[status.strategy_id] = status
        self._roster.apply(status)

    # ---- what was looked up ----

    def examined(self, question: Question, finding: Examination | None) -> None:
        """All is known that the answer to a question depends on."""
        question.finding, question.ready = finding, True

    def passed(self, account_id: str, time_us: int) -> None:
        """An account was seen in its state as of an event time."""
        self._passed_us[account_id] = max(time_us, self._passed_us.get(account_id, -1))

    def reached(self, time_us: int) -> None:
        """Bars up to an event time may have been evaluated, here or by another."""
        self._newest_us = max(self._newest_us, time_us)

    def saw(self, feed: Feed, time_us: int) -> None:
        """A bar of a feed may have been evaluated, here or by another."""
        self._seen_us[feed] = max(time_us, self._seen_us.get(feed, -1))
        self.reached(time_us)

    def versions_of(self, strategy_id: str) -> Versions:
        """What is known to be or have been in force, or about to be."""
        return self._statuses[strategy_id].active if strategy_id in self._statuses else ()

    # ---- evaluations ----

    def on_snapshot(self, event: IndicatorsUpdated, envelope: Envelope) -> Iterator[Emit]:
        """One evaluation per strategy that trades the symbol at this interval."""
        self.saw((event.venue, event.symbol, event.interval), event.event_time_us)
        yield from self._evaluations.of(event, envelope)

    def recall(self, event: IndicatorsUpdated, envelope: Envelope) -> None:
        """A bar that an owner of its partition before this process has passed."""
        self.saw((event.venue, event.symbol, event.interval), event.event_time_us)
        self._evaluations.recall(event, envelope)

    # ---- state ----

    def register(self, strategy_id: str, version: int, digest: str) -> None:
        """What the registry holds already."""
        self._digests[strategy_id, version] = digest

    def journal(self) -> list[tuple[StrategyConfigPublished | None, StrategyStatusChanged]]:
        """Questions and answers since last asked; a question of None is a retirement."""
        taken, self._journal = self._journal, []
        return taken

    def own(self, partitions: Iterable[int]) -> None:
        """Take partitions over."""
        self._partitions |= set(partitions)

    def forget(self, partitions: Iterable[int]) -> None:
        """Hand partitions over."""
        self._partitions -= set(partitions)
        if LEADER_PARTITION not in self._partitions:
            self._questions.put_back()
            self._given.leads_no_more()

    def owned(self) -> frozenset[int]:
        """Partitions whose bars this process evaluates."""
        return frozenset(self._partitions)

    def examines(self) -> bool:
        """Is a question looked into, so that there may soon be more to say?"""
        return self._questions.under_way()

    def waits(self) -> Iterator[WaitReason]:
        """Strategies with a version that is not answered, as instruments may still be read; told by who answers."""
        if LEADER_PARTITION in self._partitions:
            for strategy_id in self._questions:
                yield WaitReason("instruments", f"{strategy_id}: instruments of its markets")

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "strategies": {
                key: {"version": s.version, "status": s.status, "active": [v.version for v in s.active]}
                for key, s in self._statuses.items()
            },
            "unanswered": list(self._questions),
        }

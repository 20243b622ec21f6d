"""The strategy desk: answers every configuration once, and every snapshot with one evaluation per strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tradewire.ports.events import (
    ConfigStatus,
    IndicatorsUpdated,
    InstrumentChanged,
    RefusalReason,
    StrategyConfigPublished,
    StrategyStatusChanged,
)
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.strategy.domain.evaluations import Evaluations
from tradewire.strategy.domain.history import Versions, followed, version_of
from tradewire.strategy.domain.instruments import Instruments
from tradewire.strategy.domain.questions import Given, Question, Questions
from tradewire.strategy.domain.starts import Feed, Starts, ToLookUp
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
        self._starts = Starts(self._roster)
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
        if question.ready and question.looked_up is not None:
            question.ready = question.looked_up.covers(self.wanted(question, question.finding))
            if not question.ready:  # another strategy of the account was answered meanwhile
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
            left = self._starts.left(known.active)
            changes = {"status": ConfigStatus.RETIRED, "active": left, "answered_at_us": now_us, "start_reason": None}
            return known.model_copy(update=changes)
        assert finding is not None, "it was examined"
        active = self.versions_of(strategy_id)
        reasons: tuple[RefusalReason, ...] = ()
        start_reason = None
        try:
            active, start_reason = self._with(active, config, finding)
        except RefusedError as refused:
            reasons = refused.reasons
        return StrategyStatusChanged(
            strategy_id=strategy_id,
            version=config.version,
            status=ConfigStatus.REFUSED if reasons else ConfigStatus.ACCEPTED,
            reasons=reasons,
            active=active,
            answered_at_us=now_us,
            start_reason=start_reason,
        )

    def _with(
        self, active: Versions, config: StrategyConfigPublished, finding: Examination
    ) -> tuple[Versions, str | None]:
        """The versions that may be needed, and this one; why it misses bars. Raises RefusedError: it may not trade."""
        compiled = fit(finding, self.instruments.known)
        hold_immutable(
            config, self._digests.setdefault((config.strategy_id, config.version), compiled.digest), compiled
        )
        start = self._starts.start(active, compiled, config.effective_from_us)
        version = version_of(config, compiled, start.time_us)
        kept = followed(self._starts.needed(active), version)
        hold_markets(active[-1] if active else None, compiled)
        before = kept[-2] if len(kept) > 1 else None
        if before is not None and before.symbols and before.interval != version.interval:
            hold_now(before, version, start.earliest_us)
            kept = followed(self._starts.without(kept[:-1], before), version)
        hold_size(kept)
        return kept, start.reason

    def _take(self, status: StrategyStatusChanged) -> None:
        self._statuses[status.strategy_id] = status
        self._roster.apply(status)

    # ---- what was looked up ----

    def wanted(self, question: Question, finding: Examination | None) -> ToLookUp:
        """What is to be looked up before a question can be answered."""
        compiled = finding.compiled if finding is not None else None
        return self._starts.wanted(self.versions_of(question.strategy_id), compiled)

    def examined(self, question: Question, finding: Examination | None, looked_up: ToLookUp | None = None) -> None:
        """A question was looked into. ``looked_up``: None: whatever its answer depends on."""
        question.finding, question.ready, question.looked_up = finding, True, looked_up

    def passed(self, account_id: str, time_us: int) -> None:
        """An account was seen in its state as of an event time."""
        self._starts.passed(account_id, time_us)

    def reached(self, time_us: int) -> None:
        """A bar of whichever market may have been evaluated, here or by another."""
        self._starts.seen.reached(time_us)

    def saw(self, feed: Feed, time_us: int) -> None:
        """A bar of a feed may have been evaluated, here or by another."""
        self._starts.seen.saw(feed, time_us)

    def not_found(self, feeds: Iterable[Feed]) -> None:
        """The newest bars of these are further back than anybody looks."""
        self._starts.seen.not_found(feeds)

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

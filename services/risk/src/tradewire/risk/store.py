"""Risk's state: each account's in the changelog topic, limits in the rules' own store."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import AccountStateChanged, RiskAssessed, RiskStateSaved, StrategyEvaluated
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.reading_again import PublishedAnswers
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readable_ends import end_of_records
from tradewire.runtime.codec.headers import decode_headers
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.loop.resuming import RECORDS_MAX, newest
from tradewire.runtime.service import StoreContext
from tradewire.runtime.stores.changelog import ChangelogStore

log = logging.getLogger(__name__)
ANSWERS_READ, ANSWERS_READ_MAX = 5_000, 50_000
"""Newest answers of a partition that are read at the start; more, at most so many, as long as no state includes one."""


GIVEN_ON: tuple[type[Event], ...] = (StrategyEvaluated, AccountStateChanged)
"""What answers are given on; keyed by account as they are, so in partitions of the same numbers."""


class Answered(NamedTuple):
    """The step that a record of risk's own topic answers: of which account, None where nobody can tell, and when (µs);
    with the answer, where it can be read.
    """

    account_id: str | None
    time_us: int
    answer: RiskAssessed | None = None


class KeptRules(Protocol):
    """Rules that outlive the process in a store of their own."""

    async def open(self) -> None:
        """Load what is in force."""

    async def ping(self) -> None:
        """Ask whether the server answers."""

    async def close(self) -> None:
        """Let go."""

    async def flush(self) -> None:
        """Write what changed."""


class RiskStore(ChangelogStore):
    """The changelog of the desk's accounts; ``rules``, where they are kept, are written before answers go out.

    At the start it also reads the newest of risk's own answers: a life before may have answered and not saved.
    """

    reads_back: tuple[type[Event], ...] = (RiskAssessed,)

    def __init__(self, desk: RiskDesk, rules: KeptRules | None, clock: ClockPort) -> None:
        super().__init__(RiskStateSaved, changed=self._changes, restored=self._restore, forgotten=desk.forget)
        self._desk, self._rules, self._clock = desk, rules, clock
        self._again: dict[Place, tuple[int, int]] = {}
        desk.again.is_reading = self._is_reading

    async def open(self, context: StoreContext) -> None:
        await super().open(context)
        partitions = await context.bus.partitions(BY_EVENT[RiskAssessed].name)
        self._desk.partition_of = lambda account_id: partition_of(account_id.encode(), partitions)
        if self._rules is not None:
            await self._rules.open()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        repeated = await super().acquire(partitions)
        self._desk.own(partitions)
        newest_us: dict[str, int] = {}
        answers: list[RiskAssessed] = []
        unread, whole = list[int](), list[int]()
        for partition in partitions:
            found, is_whole = await self._answers(partition, newest_us, unread)
            answers += found
            whole += [partition] * is_whole
        await self._read_again(partitions)
        self._desk.published(PublishedAnswers(partitions, newest_us, answers, unread, whole))
        return repeated

    async def _read_again(self, partitions: Sequence[int]) -> None:
        """Note where what answers are given on begins for this member, and where it ends now."""
        assert self._context is not None
        bus, places = self._context.bus, [Place(BY_EVENT[e].name, p) for e in GIVEN_ON for p in partitions]
        committed, begin = await bus.committed(self._context.service, places), await bus.begin_offsets(places)
        for place in places:
            self._again[place] = max(committed[place] or 0, begin[place]), await end_of_records(bus, place)

    def _is_reading(self, partition: int) -> bool:
        """Is something not handled yet that was there when risk's own answers were read?"""
        assert self._context is not None
        for place in (Place(BY_EVENT[event].name, partition) for event in GIVEN_ON):
            begin, end = self._again[place]
            if max(begin, self._context.position(place) or 0) < end:
                return True
        return False

    async def _answers(
        self, partition: int, newest_us: dict[str, int], unread: list[int]
    ) -> tuple[list[RiskAssessed], bool]:
        """The answers at the end of a partition that no saved state includes, and some before; in their order; and
        whether these are all that there are.

        State is saved for all accounts of a partition at once, so one that is included says that all before it are.
        Adds to ``newest_us`` the event time of the newest step answered, per account, and to ``unread`` the partition
        when it has an answer of which nobody can tell that.
        """
        assert self._context is not None
        answers: list[tuple[int, RiskAssessed]] = []
        place = Place(BY_EVENT[RiskAssessed].name, partition)
        begin = (await self._context.bus.begin_offsets([place]))[place]
        count, included, is_whole = 0, False, False
        looked = newest(
            self._context.bus,
            self._clock,
            [place],
            lambda _: count >= (ANSWERS_READ if included else ANSWERS_READ_MAX),
            records_max=RECORDS_MAX,
        )
        async for record, _ in looked:
            count += 1
            is_whole |= record.offset <= begin
            answered = await self._answered(record)
            if answered is None:
                continue
            account_id, time_us, answer = answered
            if account_id is None:
                unread.append(partition)
                continue
            newest_us[account_id] = max(newest_us.get(account_id, -1), time_us)
            included |= self._includes(account_id, time_us)
            if answer is not None:
                answers.append((record.offset, answer))
        return [answer for _, answer in sorted(answers, key=itemgetter(0))], is_whole

    def _includes(self, account_id: str, time_us: int) -> bool:
        """Does the state of an account include the answers up to an event time?"""
        account = self._desk.accounts().get(account_id)
        return account is not None and time_us <= account.answered_until_us

    async def _answered(self, record: Record) -> Answered | None:
        """What a record answers; None for one that answers no step.

        An answer whose value cannot be decoded counts by its key and headers, see ``_answered_unread``.
        """
        assert self._context is not None
        if record.value is None or self._context.passes_over(record):
            return None
        try:
            event = await self._answer(record)
        except ContractViolationError as error:
            return _answered_unread(record, error)
        if not event.step_size:
            self._desk.admission.published(event)
            return None
        return Answered(event.account_id, event.event_time_us, event)

    async def _answer(self, record: Record) -> RiskAssessed:
        """An answer, also one written with an older schema."""
        assert self._context is not None
        event = await read_record(self._context.codec, record)
        assert isinstance(event, RiskAssessed), "the topic carries answers"
        return event

    async def ping(self) -> None:
        if self._rules is not None:
            await self._rules.ping()

    async def close(self) -> None:
        if self._rules is not None:
            await self._rules.close()

    async def persist(self, records: Sequence[Outgoing]) -> None:
        if self._rules is not None:
            await self._rules.flush()

    async def checkpoint(self) -> None:
        await self.persist(())
        await super().checkpoint()

    def _changes(self) -> Iterator[tuple[int, Event]]:
        for partition, account in self._desk.changed():
            newest_us = max(account.answered_us.values(), default=0)
            yield (
                partition,
                RiskStateSaved(account_id=account.account_id, event_time_us=newest_us, state=account.saved()),
            )

    def _restore(self, partition: int, event: Event) -> None:
        assert isinstance(event, RiskStateSaved)
        if self._desk.partition_of(event.account_id) != partition:
            found = self._desk.partition_of(event.account_id)
            raise ContractViolationError(f"{event.account_id} belongs to partition {found}; found in {partition}")
        self._desk.restore(partition, RiskAccount.restored(event.account_id, event.state, self._desk.pending))


def _answered_unread(record: Record, error: ContractViolationError) -> Answered | None:
    """What a record of risk's own topic answers whose value cannot be decoded; logged with its place.

    The desk only waits longer for a later step than it must: FLATTEN closes nothing by account states up to the time
    returned. So an unread record counts as an answered step. Without a key or an event time it is not risk's, which
    writes both on every answer: it answers nothing, and cannot matter. Where one is there and cannot be read, it may be
    the newest answer of any account: FLATTEN waits for all of them until what they were given on is read again. Its
    readers, execution and telemetry, each keep it as a dead letter; risk, which does not read its topic while it runs,
    writes none.
    """
    what = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    place = f"{record.topic} {record.partition}/{record.offset}"
    if record.key is None or not dict(record.headers).get("event_time_us"):
        log.error(
            "%s is no answer of risk's, left out: %s", place, error, extra={"event": "foreign_answer_left_out", **what}
        )
        return None
    try:
        answered = Answered(record.key.decode(), decode_headers(record).event_time_us)
    except (UnicodeDecodeError, ContractViolationError) as unreadable:
        log.error(
            "%s: neither the answer (%s) nor whom and when it answers (%s) can be read: FLATTEN waits until all that "
            "was answered is read again",
            place,
            error,
            unreadable,
            extra={"event": "own_answer_unreadable", **what},
        )
        return Answered(None, -1)
    log.error(
        "%s cannot be decoded, counted as a step answered: %s",
        place,
        error,
        extra={"event": "own_answer_unreadable", **what},
    )
    return answered

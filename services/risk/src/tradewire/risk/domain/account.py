"""One account as risk sees it: what waits for an answer, and what was answered."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heapify, heappop, heappush

from tradewire.ports.events import AccountStateChanged, OrderIntent, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Envelope
from tradewire.risk.domain.absent_bars import AbsentBars
from tradewire.risk.domain.answered import AnsweredEvaluations
from tradewire.risk.domain.candles_read import CandlesRead
from tradewire.risk.domain.in_flight import InFlightOrder, InFlightOrders
from tradewire.risk.domain.recorded import Again, RecordedStep, recorded_steps
from tradewire.risk.domain.saved_streams import saved_state, saved_streams
from tradewire.risk.domain.saved_values import saved_decimal, saved_int
from tradewire.risk.domain.waiting import BufferedState, WaitingEvaluation
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.roster import Stream, Subscription

DAY_US, MINUTE_US = 86_400_000_000, 60_000_000


@dataclass
class RiskAccount:
    """Join state of one account. Everything but the two buffers survives in ``saved``; the buffers are read again.

    ``answered_us``: event time up to which every evaluation was answered, per stream; ``answered_until_us``: the newest
    step answered, -1 when none was; ``ended``: streams whose last bar was answered; ``disordered``: per stream, bars
    whose evaluation was read before one of an earlier bar; ``overtaken``: such evaluations that an answered one belies;
    ``released``: closes of bars whose missing evaluations an operator waits for no more.
    """

    account_id: str
    pending: PendingOffsets
    answered_us: dict[Stream, int] = field(default_factory=dict)
    ended: set[Stream] = field(default_factory=set)
    state: AccountStateChanged | None = None
    peak_equity: Decimal = Decimal(0)
    day: int = -1
    day_start_equity: Decimal = Decimal(0)
    order_times_us: deque[int] = field(default_factory=deque)
    steps: dict[int, dict[Stream, WaitingEvaluation]] = field(default_factory=dict)
    times_us: list[int] = field(default_factory=list)
    states: deque[BufferedState] = field(default_factory=deque)
    newest_us: dict[Stream, int] = field(default_factory=dict)
    ending: set[Stream] = field(default_factory=set)
    in_flight: InFlightOrders = field(default_factory=InFlightOrders)
    candles: CandlesRead = field(default_factory=CandlesRead)
    disordered: dict[Stream, set[int]] = field(default_factory=dict)
    overtaken: list[WaitingEvaluation] = field(default_factory=list)
    recorded: dict[int, RecordedStep] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    answered: AnsweredEvaluations = field(init=False)
    absent: AbsentBars = field(init=False)

    def __post_init__(self) -> None:
        self.absent, self.answered_until_us = AbsentBars(self.state), max(self.answered_us.values(), default=-1)
        self.answered = AnsweredEvaluations(self.answered_until_us)

    def take_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> None:
        """Buffer an evaluation, unless it is there. The one of a stream that was read last tells how far that is."""
        stream = Stream(event.strategy_id, event.symbol, INTERVALS_US[event.interval])
        if event.event_time_us not in self.steps:
            heappush(self.times_us, event.event_time_us)
        step = self.steps.setdefault(event.event_time_us, {})
        if stream in step:
            return
        step[stream] = WaitingEvaluation(event, envelope)
        self.pending.take(envelope)
        if event.event_time_us < self.newest_us.get(stream, -1):
            later_us = {at_us for at_us, other in self.steps.items() if at_us > event.event_time_us and stream in other}
            self.disordered.setdefault(stream, set()).update(later_us)
        self.newest_us[stream] = event.event_time_us
        self.candles.wait(stream, event)
        self.ending.discard(stream)
        self.ended.discard(stream)
        if event.last_of_stream:
            self.ending.add(stream)

    def has_answered(self, event: StrategyEvaluated) -> bool:
        """Was this evaluation of its stream, or a later one, answered?"""
        stream = Stream(event.strategy_id, event.symbol, INTERVALS_US[event.interval])
        return event.event_time_us <= self.answered_us.get(stream, -1)

    def has_gone_past(self, event: StrategyEvaluated, evaluation_id: str) -> bool:
        """Was this very evaluation answered? Then its stream has come as far. What is too old to be known was.

        A copy under its id that says another time changes nothing.
        """
        if not self.answered.has(evaluation_id):
            return self.has_answered(event) and event.event_time_us <= self.answered.since_us
        if self.answered.time_us(evaluation_id) == event.event_time_us:
            if self.is_recorded(evaluation_id, event.event_time_us):
                return False
            stream = Stream(event.strategy_id, event.symbol, INTERVALS_US[event.interval])
            self.answered_us[stream] = max(event.event_time_us, self.answered_us.get(stream, -1))
        return True

    def has_another(self, event: StrategyEvaluated, evaluation_id: str) -> bool:
        """Is another evaluation of the same bar of its stream here?"""
        stream = Stream(event.strategy_id, event.symbol, INTERVALS_US[event.interval])
        other = self.steps.get(event.event_time_us, {}).get(stream)
        return other is not None and other.envelope.event_id != evaluation_id

    def take_state(self, event: AccountStateChanged, envelope: Envelope) -> None:
        """Buffer an account state, unless it is older than the one in use."""
        newest = self.newest_state
        if newest is None or event.event_time_us > newest.event_time_us:
            self.states.append(BufferedState(event, envelope))
            self.pending.take(envelope)
            self.in_flight.shown_by(event.event_time_us)
            self.absent.note(event)

    @property
    def newest_state(self) -> AccountStateChanged | None:
        """The newest state known, used or not."""
        return self.states[-1].event if self.states else self.state

    @property
    def oldest_us(self) -> int | None:
        """Event time of the oldest step buffered."""
        return self.times_us[0] if self.times_us else None

    def owing(self, owed: Iterable[tuple[Subscription, int]]) -> Iterator[Stream]:
        """Streams that have not answered for what they owe by the oldest step.

        A stream answers for a time by its record there, by any later record of its own, or by its end.
        """
        here = self.steps[self.times_us[0]] if self.times_us else ()
        for subscription, close_us in owed:
            stream = subscription.stream
            known_us = max(self.newest_us.get(stream, -1), self.answered_us.get(stream, -1))
            if known_us < close_us and stream not in here and stream not in self.ending and stream not in self.ended:
                yield stream

    def state_as_of(self, step_us: int) -> AccountStateChanged | None:
        """The account as of ``step_us``, once its state at or after that time is known; moves the trackers there."""
        known = self.newest_state
        if known is None or known.event_time_us < step_us:
            return None
        self.absorb(step_us)
        return self.state or self.states[0].event

    def absorb(self, until_us: int) -> None:
        """Take buffered states up to a time into peak and day-start equity, in order."""
        while self.states and self.states[0].event.event_time_us <= until_us:
            state, envelope = self.states.popleft()
            self.pending.release(envelope)
            day = state.event_time_us // DAY_US
            if day != self.day:
                self.day, self.day_start_equity = day, state.equity
            self.peak_equity = max(self.peak_equity, state.equity)
            self.absent.forget(self.state)
            self.state = state

    def orders_last_minute(self, now_us: int) -> int:
        """Orders approved in the minute of event time before ``now_us``."""
        while self.order_times_us and self.order_times_us[0] <= now_us - MINUTE_US:
            self.order_times_us.popleft()
        return len(self.order_times_us)

    def approved(self, event: StrategyEvaluated, intents: Iterable[OrderIntent]) -> None:
        """Note the orders that a step sends."""
        for intent in intents:
            self.order_times_us.append(event.event_time_us)
            order = InFlightOrder.of(event.strategy_id, event.venue, event.symbol, intent, event.event_time_us)
            self.in_flight.send(order)

    def closing(self, order: InFlightOrder, time_us: int) -> None:
        """Note an order that FLATTEN sends: no rate refuses it, but it is one of those that the next entry counts."""
        self.order_times_us.append(time_us)
        self.in_flight.send(order)

    def answer(self, step_us: int, streams: Collection[Stream] | None = None) -> list[WaitingEvaluation]:
        """Take a step, or some streams of it, out of the buffer, in canonical order: by strategy, then symbol."""
        if step_us > self.answered_until_us:
            self.in_flight.precede(step_us)
            self.answered_until_us = step_us
        step = self.steps[step_us]
        taken = sorted(step if streams is None else streams)
        answered = [step.pop(stream) for stream in taken]
        if not step:
            del self.steps[step_us]
            heappop(self.times_us)
        for stream, waiting in zip(taken, answered, strict=True):
            self.answered.add(waiting.envelope.event_id, step_us)
            self.pending.release(waiting.envelope)
            self.answered_us[stream] = step_us
            self.candles.answer(stream, waiting.event)
            if waiting.event.last_of_stream:
                self.ended.add(stream)
            if stream in self.disordered:
                self._overtake(stream, waiting)
        return answered

    def _overtake(self, stream: Stream, answered: WaitingEvaluation) -> None:
        """Take the evaluations of later bars of its stream that an answered one belies out of the buffer."""
        waiting_us = {at_us for at_us in self.disordered.pop(stream) if stream in self.steps.get(at_us, ())}
        belied_us = {at_us for at_us in waiting_us if self.steps[at_us][stream].belied_by(answered)}
        self.overtaken += [self.leave_out(at_us, stream) for at_us in sorted(belied_us)]
        if waiting_us > belied_us:
            self.disordered[stream] = waiting_us - belied_us

    def leave_out(self, step_us: int, stream: Stream) -> WaitingEvaluation:
        """Take an evaluation that belongs to no step out of the buffer."""
        waiting = self.steps[step_us].pop(stream)
        self.candles.leave_out(stream, waiting.event)
        self.pending.release(waiting.envelope)
        if not self.steps[step_us]:
            del self.steps[step_us]
            self.times_us.remove(step_us)
            heapify(self.times_us)
        return waiting

    # ---- what a life before has answered ----

    def remember(self, answers: Sequence[RiskAssessed], *, whole: bool) -> None:
        """Answers that are on the topic, in order; of those that the state includes only which they are is new.

        ``whole``: no answer of the account is missing.
        """
        since_us = -1 if whole else min((answer.event_time_us for answer in answers), default=self.answered_until_us)
        self.answered = AnsweredEvaluations(since_us)
        for answer in answers:
            self.answered.add(answer.evaluation_id, answer.event_time_us)
        answered_us: dict[tuple[str, str], int] = {}
        for (strategy_id, symbol, _), time_us in self.answered_us.items():
            answered_us[strategy_id, symbol] = max(time_us, answered_us.get((strategy_id, symbol), -1))
        self.recorded = recorded_steps(answers, answered_us)

    def is_recorded(self, evaluation_id: str, step_us: int) -> bool:
        """Is the answer to an evaluation of a step among those that are on the topic and not in the state?"""
        return step_us in self.recorded and evaluation_id in self.recorded[step_us].answers

    def as_recorded(self, step_us: int, *, whole: bool) -> Again | None:
        """A step that was answered before; None while something that it was answered on may still be read.

        Of a step whose answers were cut short the others are those that came next, as many as it had: evaluations are
        read again in their order. ``whole``: all is here that was there when the answers were.
        """
        recorded, step = self.recorded[step_us], self.steps[step_us]
        by_id = {waiting.envelope.event_id: stream for stream, waiting in step.items()}
        given, others = recorded.given(by_id), sorted(by_id.keys() - recorded.answers.keys())
        others.sort(key=lambda key: step[by_id[key]].envelope.offset)
        state_us = known.event_time_us if (known := self.newest_state) is not None else -1
        lacks = recorded.answers.keys() - by_id.keys() or len(others) < given.missing or state_us < given.state_us()
        if lacks and not whole:
            return None
        own = [by_id[key] for key in (*given.own, *others[: given.missing])]
        return Again(own, given.own, [by_id[key] for key in given.after], given.late)

    def drop(self) -> None:
        """Let go of everything buffered."""
        for step in self.steps.values():
            for waiting in step.values():
                self.pending.release(waiting.envelope)
        for seen in self.states:
            self.pending.release(seen.envelope)

    def saved(self) -> bytes:
        """JSON of all but the buffers."""
        return json.dumps(
            {
                "answered_us": [[*stream, time_us] for stream, time_us in sorted(self.answered_us.items())],
                "ended": sorted(self.ended),
                "state": self.state.model_dump_json() if self.state is not None else None,
                "peak_equity": str(self.peak_equity),
                "day": self.day,
                "day_start_equity": str(self.day_start_equity),
                "order_times_us": list(self.order_times_us),
                "flights": self.in_flight.saved(),
                "candles": self.candles.saved(),
            }
        ).encode()

    @classmethod
    def restored(cls, account_id: str, saved: bytes, pending: PendingOffsets) -> RiskAccount:
        """The account that ``saved`` wrote. Raises ValueError, TypeError, KeyError, … for anything else."""
        data = json.loads(saved)
        return cls(
            account_id,
            pending,
            answered_us={
                stream: saved_int(row[-1]) for row in data["answered_us"] for stream in saved_streams(row[:-1])
            },
            ended={stream for row in data["ended"] for stream in saved_streams(row)},
            state=saved_state(account_id, data["state"]) if data["state"] is not None else None,
            peak_equity=saved_decimal(data["peak_equity"]),
            day=saved_int(data["day"]),
            day_start_equity=saved_decimal(data["day_start_equity"]),
            order_times_us=deque(map(saved_int, data["order_times_us"])),
            in_flight=InFlightOrders.restored(data.get("flights")),
            candles=CandlesRead(data.get("candles", ())),
        )

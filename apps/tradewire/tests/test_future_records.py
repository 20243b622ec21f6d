"""A record dated in the future becomes a dead letter, is reported, and an operator's word frees its account."""

from __future__ import annotations

import pytest

from tradewire.app.operating.dead_letters import replay_key
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.skipping import SkipRefusedError, skip_record
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorsUpdated,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import stage_of
from tradewire.runtime.dead_letters.releases import Skip
from tradewire.runtime.loop.event_times import AHEAD_SECONDS_MAX
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import account_state, assessment, candle, evaluation, snapshot
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

NOW_US = candle(0).close_time_us
AHEAD_US = NOW_US + round(AHEAD_SECONDS_MAX * 1e6)
TIMED: dict[type[Event], tuple[str, Event, Event]] = {
    CandleClosed: ("execution", candle(0), candle(1)),
    IndicatorsUpdated: ("strategy", snapshot(0), snapshot(1)),
    StrategyEvaluated: ("risk", evaluation(0), evaluation(1)),
    RiskAssessed: ("execution", assessment(0), assessment(1)),
    AccountStateChanged: ("risk", account_state(0), account_state(1)),
}
"""By what a bar leads to: who reads it, one of now and one of the next bar."""


class Reader:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def on_event(self, event: Event, envelope: Envelope) -> tuple[Emit, ...]:
        self.given.append(envelope.offset)
        return ()


@pytest.mark.parametrize("kind", TIMED, ids=lambda kind: kind.__name__)
async def test_record_when_dated_ahead_of_the_clock_then_reported_and_freed_by_giving_it_up(kind: type[Event]) -> None:
    name, now, later = TIMED[kind]
    rig, reader, topic = WorkerRig(clock=ManualClock(NOW_US)), Reader(), BY_EVENT[kind].name
    operator = Operator(rig.bus, rig.codec, rig.clock, author="ann")
    parks = BY_EVENT[kind].group == "A"
    await rig.say(later, now)
    service = Service(name=name, inputs=(on(kind, reader.on_event),))
    async with rig.running(service, checkpoint_records=1) as worker:
        await rig.until(lambda: rig.count(DEAD_LETTERS[name]) == (2 if parks else 1))
        assert [wait.reason for wait in worker.waits()] == (["parked_key"] if parks else [])
        letters = await rig.read(DEAD_LETTERS[name])
        assert [stage_of(letter) for letter in letters] == ["validate", "parked"][: len(letters)]
        place = rig.place(topic, later)
        with pytest.raises(SkipRefusedError, match=f"--discard {letters[0].partition}/{letters[0].offset}"):
            await skip_record(operator, Skip(topic, place.partition, 0, "too early", "ann"), name, within_s=5)
        done = await replay_key(
            operator,
            service=name,
            key=(letters[0].key or b"").decode(),
            discard=(f"{letters[0].partition}/{letters[0].offset}",),
        )
        assert (done.discarded, done.replayed, done.failed_again) == (1, len(letters) - 1, None)
        assert worker.waits() == []
    assert reader.given == [1]

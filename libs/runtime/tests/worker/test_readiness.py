"""A service is ready while it does its work, and says what stands against it with each fault that can stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import AccountStateChanged, CandleClosed, ControlChanged, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import WaitReason
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.health import Health, StallWatch
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.runtime.service import Service, Store, on
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.watched import WatchedBus
from tradewire.testkit.worker_rig import WorkerRig, ended

CANDLES = BY_EVENT[CandleClosed].name
EVALUATIONS = BY_EVENT[StrategyEvaluated].name
TOLD_SECONDS = 30.0
"""Within which a fault that stands is told."""


class AwayBus(WatchedBus):
    """A bus that stops answering on request, and can hold back what it delivers."""

    away = False

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        if self.away:
            raise RetryableError("connection refused")
        return await super().end_offsets(places)


class Stage:
    """A worker under a clock that tests move, and health over it."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_700_000_000_000_000)
        self.rig = WorkerRig(clock=self.clock)
        self.bus = AwayBus(dict.fromkeys((*TOPICS, *DEAD_LETTERS.values()), 1), self.rig.journal)
        self.rig.bus = self.bus
        self.standing: list[WaitReason] = []

    def service(self, *, store: Store | None = None) -> Service:
        """One that reads candles and controls, and waits for what the test says."""
        inputs = (on(ControlChanged, lambda *_: ()), on(CandleClosed, lambda *_: ()))
        return Service(name="execution", inputs=inputs, store=store or Store(), waits=lambda: self.standing)

    def health(self, worker: Worker) -> Health:
        """What is asked."""
        watch = self.bus if isinstance(self.bus, StallWatch) else None
        return Health([worker], self.clock, watch, wait_s=self.rig.settings.ready_wait_seconds)

    async def ready(self, health: Health) -> None:
        """Let it get ready."""
        await self.rig.until(lambda: health.ready)

    async def told(self, health: Health, reason: str) -> dict[str, Any]:
        """What is told of a fault once it has stood as long as it may; the fault must be standing."""
        health.ready  # noqa: B018 (somebody looks when it begins)
        for _ in range(round(TOLD_SECONDS)):
            self.clock.advance(seconds=1)
            for _ in range(20):
                await asyncio.sleep(0)
            if not health.ready:
                break
        report: dict[str, Any]
        (report,) = health.report().values()
        assert not report["ready"]
        assert reason in [wait["reason"] for wait in report["unready"]]
        return report


@pytest.fixture
def stage() -> Stage:
    """A stage of one's own."""
    return Stage()


async def test_idle_service_stays_ready(stage: Stage) -> None:
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        turned = worker.progress.turned_s
        stage.clock.advance(seconds=3600)
        await stage.rig.until(lambda: worker.progress.turned_s != turned)
        await stage.rig.until(lambda: health.ready)


async def test_bus_that_is_away_is_told(stage: Stage) -> None:
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        stage.bus.away = True
        waiting = worker._waiting
        await stage.rig.until(lambda: "refused" in waiting.reaches[0]._error)
        report = await stage.told(health, "unreachable")
        assert "bus: no answer for" in str(report["unready"])
        stage.bus.away = False
        await stage.ready(health)


class SilentStore(Store):
    """A store whose server goes away."""

    away = False

    async def ping(self) -> None:
        if self.away:
            raise RetryableError("the ledger's server is away")


async def test_store_that_is_away_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewire.runtime.loop.waiting.PING_SECONDS", 0.001)
    store = SilentStore()
    async with stage.rig.running(stage.service(store=store)) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        store.away = True
        await stage.rig.until(lambda: "ledger" in worker._waiting.reaches[1]._error)
        report = await stage.told(health, "unreachable")
        assert "store: no answer for" in str(report["unready"])


async def test_step_that_waits_for_somebody_who_does_not_answer_is_told(stage: Stage) -> None:
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        stage.standing = [WaitReason("assessments", "main: risk's answers", 7)]
        assert health.ready, "a step may wait for a moment"
        report = await stage.told(health, "assessments")
        assert report["unready"] == [stage.standing[0]._asdict() | {"seconds": 15}]
        stage.standing = [WaitReason("assessments", "main: risk's answers", 8)]
        await stage.ready(health)


async def test_operator_s_pause_is_told_and_no_fault(stage: Stage) -> None:
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        stage.standing = [WaitReason("paused", "an operator to resume it")]
        turned = worker.progress.turned_s
        stage.clock.advance(seconds=TOLD_SECONDS)
        await stage.rig.until(lambda: worker.progress.turned_s != turned)
        await stage.rig.until(lambda: health.ready)
        (report,) = health.report().values()
        assert report["waits_for"][0]["reason"] == "paused"


class MuteBus(AwayBus):
    """A bus whose subscriptions silently stop delivering while they are ``mute``."""

    mute = False

    async def subscribe(self, *args: Any, **more: Any) -> Any:
        port = await super().subscribe(*args, **more)
        deliver = port.poll

        async def poll(*, max_records: int, timeout_s: float) -> list[Record]:
            return [] if self.mute else await deliver(max_records=max_records, timeout_s=0.0)

        port.poll = poll  # type: ignore[method-assign]  # the fault
        return port


def mute_bus(stage: Stage) -> MuteBus:
    """The stage's bus, replaced by one that can fall silent."""
    stage.rig.bus = bus = MuteBus(dict.fromkeys((*TOPICS, *DEAD_LETTERS.values()), 1), stage.rig.journal)
    return bus


async def test_consumer_that_is_given_nothing_is_told(stage: Stage) -> None:
    bus = mute_bus(stage)
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        bus.mute = True
        await stage.rig.say(candle(0))
        await stage.rig.until(lambda: any(ends.seen for ends in worker.lag._ends.values()))
        report = await stage.told(health, "lag")
        assert CANDLES in str(report["unready"])
        assert stage.rig.metrics.registry.get_sample_value(
            "tradewire_kafka_consumer_lag_records", {"group": "execution", "topic": CANDLES, "partition": "0"}
        )


async def test_parked_key_is_told_at_once(stage: Stage) -> None:
    service = Service(
        name="risk",
        inputs=(on(StrategyEvaluated, lambda *_: ()), on(AccountStateChanged, lambda *_: ())),
        outputs=(RiskAssessed,),
    )
    async with stage.rig.running(service) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        await stage.rig.put(Outgoing(EVALUATIONS, b"main", b"\x00corrupt"))
        await stage.rig.until(lambda: not health.ready)
        (report,) = health.report().values()
        assert [wait["reason"] for wait in report["unready"]] == ["parked_key"]


async def test_round_that_hangs_is_told(stage: Stage) -> None:
    async def hang(step: str) -> None:
        if step == "before publish":
            await released.wait()

    released, service = asyncio.Event(), stage.rig.summing()
    async with stage.rig.running(service) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        await stage.rig.until(lambda: worker.progress.turned_s is not None)
        stage.rig.journal.hook = hang
        await stage.rig.say(candle(0))
        await stage.told(health, "busy")
        released.set()
        await stage.rig.until(lambda: health.ready)


async def test_state_that_is_not_restored_yet_is_told_at_once(stage: Stage) -> None:
    class Slow(Store):
        async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
            await released.wait()
            return ()

    released = asyncio.Event()
    async with stage.rig.running(stage.service(store=Slow())) as worker:
        health = stage.health(worker)
        await stage.rig.until(lambda: health.started and worker._waiting.restoring)
        assert not health.ready
        assert "restoring" in str(health.report())
        released.set()
        await stage.ready(health)


async def test_second_member_without_partitions_is_ready_and_one_not_told_is_not(stage: Stage) -> None:
    settings = {"member": None}
    async with stage.rig.running(stage.service(), **settings) as first:
        health = stage.health(first)
        await stage.ready(health)
        async with stage.rig.running(stage.service(), **settings) as second:
            other = stage.health(second)
            await stage.rig.until(lambda: other.ready and health.ready)
            owned = [len(worker._group.assignment()) for worker in (first, second) if worker._group is not None]
            assert sorted(owned) == [0, 1]


class StuckBus(MemoryBus):
    """A bus whose client has stopped delivering."""

    def stalled(self, now_s: float) -> list[Place]:
        """See ``KafkaBus.stalled``."""
        return [Place(CANDLES, 0)]


async def test_process_whose_consumer_is_stuck_ends_to_be_started_again(rig: WorkerRig) -> None:
    bus = StuckBus(dict.fromkeys((*TOPICS, *DEAD_LETTERS.values()), 1))
    metrics = Metrics(CollectorRegistry())
    serving = serve([rig.summing()], bus, rig.settings, stop=asyncio.Event(), metrics=metrics)
    failure = await ended(asyncio.ensure_future(serving))
    assert isinstance(failure, BaseExceptionGroup)
    assert CANDLES in str(failure.exceptions[0])


async def test_lag_is_that_of_the_oldest_unread_record_and_not_of_the_last_one_read(stage: Stage) -> None:
    bus, place = mute_bus(stage), Place(CANDLES, 0)
    await stage.rig.say(candle(0))
    async with stage.rig.running(stage.service()) as worker:
        await stage.rig.until(lambda: place in worker.lag._ends and not worker.lag.seconds(place))
        stage.clock.advance(seconds=3600)
        assert worker.lag.seconds(place) == 0.0, "nothing waits, however long ago the last one came"
        bus.mute = True
        await asyncio.sleep(0)
        await stage.rig.say(candle(1))
        await stage.rig.until(lambda: bool(worker.lag._ends[place].seen))
        stage.clock.advance(seconds=5)
        assert worker.lag.seconds(place) == pytest.approx(5.0)
        bus.mute = False
        await stage.rig.until(lambda: worker.lag.seconds(place) == 0.0)


async def test_setting_bounds_how_long_a_step_may_wait(stage: Stage) -> None:
    stage.rig.settings = stage.rig.settings.model_copy(update={"ready_wait_seconds": 2.0})
    async with stage.rig.running(stage.service()) as worker:
        health = stage.health(worker)
        await stage.ready(health)
        stage.standing = [WaitReason("account_state", "main: the account's state", 5)]
        assert health.ready
        stage.clock.advance(seconds=2)
        assert not health.ready

"""A process: what /health answers in each phase, how one failure ends all, and what its log lines hold."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.loop.garbage import THRESHOLDS
from tradewire.runtime.observe.health import LOOP_STALL_SECONDS, Booting, Health, health_app
from tradewire.runtime.observe.heartbeat import LOG_SECONDS, Heartbeat
from tradewire.runtime.observe.logs import CURRENT_TRACEPARENT, JsonFormatter
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.runtime.service import Service, Store, StoreContext, on
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.watched import WatchedBus
from tradewire.testkit.worker_rig import WorkerRig, ended

CANDLES = BY_EVENT[CandleClosed].name
EXPORTED = {
    "tradewire_messages_processed_total",
    "tradewire_event_age_seconds_count",
    "tradewire_kafka_consumer_lag_records",
    "tradewire_kafka_consumer_lag_seconds",
    "tradewire_kafka_consumer_last_progress_timestamp_seconds",
    "tradewire_kafka_rebalances_total",
    "messaging_client_sent_messages_total",
    "tradewire_checkpoints_total",
}


async def answers(health: Health, metrics: Metrics) -> dict[str, int]:
    """Status code by question."""
    transport = httpx.ASGITransport(app=health_app(health, metrics, "test"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return {name: (await client.get(f"/health/{name}")).status_code for name in ("startup", "ready", "live")}


async def test_startup_ready_and_live_answer_different_questions() -> None:
    clock = ManualClock()
    rig, opened = WorkerRig(clock=clock), asyncio.Event()

    class SlowStore(Store):
        async def open(self, context: StoreContext) -> None:
            await opened.wait()

    service = Service(name="indicator", inputs=(on(CandleClosed, lambda *_: ()),), store=SlowStore())
    worker, stop = rig.worker(service), asyncio.Event()
    health = Health([worker], clock)
    assert await answers(health, rig.metrics) == {"startup": 503, "ready": 503, "live": 200}
    starting = {"reason": "starting", "what": "its start: starting", "event_time_us": None, "seconds": 0}
    assert [service["waits_for"] for service in health.report().values()] == [[starting]]
    task = asyncio.create_task(worker.run(stop))
    opened.set()
    await rig.until(lambda: health.ready, task)
    assert await answers(health, rig.metrics) == {"startup": 200, "ready": 200, "live": 200}
    clock.advance(seconds=LOOP_STALL_SECONDS + 1)
    assert await answers(health, rig.metrics) == {"startup": 200, "ready": 503, "live": 503}
    stop.set()
    await task
    assert (await answers(health, rig.metrics))["ready"] == 503


async def test_liveness_when_a_service_cannot_say_what_it_waits_for_then_the_loop_turns_all_the_same(
    rig: WorkerRig, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()

    class Unsure(Booting):
        def waits(self) -> list[WaitReason]:
            raise LookupError("its client is not there yet")

    health = Health([Unsure(Service(name="views"))], clock)
    health.watch([Unsure(Service(name="views"))], None)
    beat = asyncio.create_task(health.beat())
    try:
        clock.advance(seconds=LOOP_STALL_SECONDS + 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not beat.done()
        assert (await answers(health, rig.metrics))["live"] == 200
    finally:
        beat.cancel()
    assert "its client is not there yet" in caplog.text


async def test_fatal_error_in_one_service_ends_all_and_commits_nothing_unpublished(rig: WorkerRig) -> None:
    def broken(event: CandleClosed, _: Envelope) -> Iterator[Emit]:
        raise FatalError(f"no {event.symbol}")

    strategy = Service(name="strategy", inputs=(on(CandleClosed, broken),), outputs=(StrategyEvaluated,))
    await rig.say(candle(0))
    serving = serve(
        [rig.summing(), strategy],
        rig.bus,
        rig.settings,
        stop=asyncio.Event(),
        metrics=Metrics(CollectorRegistry()),
    )
    failure = await ended(asyncio.ensure_future(serving))
    assert isinstance(failure, BaseExceptionGroup)
    assert [str(error) for error in failure.exceptions] == ["no BTCUSDT"]
    assert await rig.committed(CANDLES, "strategy") == 0


async def test_metrics_of_the_plan_are_exported(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: "commit" in rig.journal.steps)
        transport = httpx.ASGITransport(app=health_app(Health([worker], rig.clock), rig.metrics, "test"))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await rig.until(lambda: rig.metrics.lag._metrics != {})
            text = (await client.get("/metrics")).text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert names >= EXPORTED
    assert BY_EVENT[IndicatorsUpdated].name in text


def formatted(**extra: object) -> dict[str, object]:
    """A log line, read back."""
    record = logging.LogRecord("tradewire.risk.desk", logging.INFO, __file__, 1, "sent %s", ("one",), None)
    record.__dict__.update(extra)
    line = JsonFormatter("risk", "1.2.3", "paper").format(record)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_log_line_holds_the_fields_of_the_plan() -> None:
    token = CURRENT_TRACEPARENT.set(f"00-{'a' * 32}-{'b' * 16}-01")
    try:
        line = formatted(event="order_sent", client_order_id="x-1", topic=CANDLES)
    finally:
        CURRENT_TRACEPARENT.reset(token)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "severity": "INFO",
        "service.name": "risk",
        "service.version": "1.2.3",
        "deployment.environment.name": "paper",
        "logger": "tradewire.risk.desk",
        "event": "order_sent",
        "message": "sent one",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "trace_flags": "01",
        "client_order_id": "x-1",
        "topic": CANDLES,
    }


@pytest.mark.parametrize("value", [10**30, {1: 2}, b"\xff", float("nan"), {"a": object()}, "\ud800"])
def test_log_line_is_written_whatever_a_field_holds(value: object) -> None:
    assert formatted(what=value)["message"] == "sent one"


def test_exception_is_one_field_of_one_line() -> None:
    try:
        raise ValueError("qty -1")
    except ValueError:
        line = formatted(exc_info=sys.exc_info())
    assert str(line["exception"]).endswith("ValueError: qty -1")


class StuckBus(WatchedBus):
    """A bus whose client has stopped delivering, and has lost two producers."""

    producer_reinits = 2
    stuck: list[Place] = []  # noqa: RUF012 (set by the test)

    def stalled(self, now_s: float) -> list[Place]:
        """See ``KafkaBus.stalled``."""
        return self.stuck


async def test_consumer_that_is_stuck_fails_readiness_and_nothing_else(rig: WorkerRig) -> None:
    bus = StuckBus(dict.fromkeys(TOPICS, 1), rig.journal)
    async with rig.running(rig.summing()) as worker:
        health = Health([worker], rig.clock, bus)
        await rig.until(lambda: health.ready)
        assert await answers(health, rig.metrics) == {"startup": 200, "ready": 200, "live": 200}
        bus.stuck = [Place(CANDLES, 0)]
        assert await answers(health, rig.metrics) == {"startup": 200, "ready": 503, "live": 200}


async def test_heartbeat_says_when_each_loop_came_round_and_how_often_producers_were_lost(
    rig: WorkerRig, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    bus, worker = StuckBus(dict.fromkeys(TOPICS, 1), rig.journal), rig.worker(rig.summing())
    heartbeat = Heartbeat([worker], bus, rig.metrics, clock, Health([worker], clock))
    heartbeat.once()
    assert not any("service_heartbeat" in line and "indicator" in line for line in scraped(rig.metrics))
    worker.progress.turned_s, worker.progress.handled = clock.monotonic_s(), 7
    clock.advance(seconds=LOG_SECONDS + 5)
    with caplog.at_level(logging.INFO, logger="tradewire.runtime.observe.heartbeat"):
        heartbeat.once()
        heartbeat.once()
    turned_s = clock.now_us() / 1e6 - LOG_SECONDS - 5
    assert rig.metrics.registry.get_sample_value(
        "tradewire_service_heartbeat_timestamp_seconds", {"service": "indicator"}
    ) == pytest.approx(turned_s)
    assert "tradewire_producer_reinit_total 2.0" in scraped(rig.metrics)
    (line,) = caplog.records
    assert (line.__dict__["event"], line.__dict__["handled"]) == ("heartbeat", 7)
    assert line.__dict__["turned_seconds_ago"] == LOG_SECONDS + 5


def scraped(metrics: Metrics) -> list[str]:
    """Lines of /metrics."""
    return generate_latest(metrics.registry).decode().splitlines()


async def test_durations_of_handlers_and_rebalances_are_observed(rig: WorkerRig) -> None:
    await rig.say(*(candle(number) for number in range(3)))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(BY_EVENT[IndicatorsUpdated].name) == 3)
    lines = scraped(rig.metrics)
    labels = f'{{error_type="",messaging_consumer_group_name="indicator",messaging_destination_name="{CANDLES}"}}'
    assert f"messaging_process_duration_seconds_count{labels} 1.0" in lines
    assert 'tradewire_kafka_rebalance_duration_seconds_count{group="indicator"} 1.0' in lines


async def test_process_counts_log_records_and_rarely_looks_for_garbage_while_it_serves(rig: WorkerRig) -> None:
    metrics, stop, thresholds = Metrics(CollectorRegistry()), asyncio.Event(), gc.get_threshold()
    await rig.put(Outgoing(CANDLES, b"key", b"no event"))
    serving = asyncio.create_task(serve([rig.summing()], rig.bus, rig.settings, stop=stop, metrics=metrics))
    await rig.until(lambda: rig.count(DEAD_LETTERS["indicator"]) == 1, serving)
    assert 'tradewire_log_records_total{severity="ERROR"} 1.0' in scraped(metrics)
    assert gc.get_threshold() == THRESHOLDS != thresholds
    stop.set()
    await serving
    assert gc.get_threshold() == thresholds
    logging.getLogger("tradewire.anything").error("after the end")
    assert 'tradewire_log_records_total{severity="ERROR"} 1.0' in scraped(metrics)

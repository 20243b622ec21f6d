"""Spans last as long as the work, by the clock; polls and commits are shown now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tradewire.ports.bus import Place, Record, SubscriptionPort
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope, Work, root_id
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.observe.traced_subscription import BATCHES_PER_SPAN, TracedSubscription
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.summing import Summing
from tradewire.testkit.worker_rig import WorkerRig

EVENT_ID = root_id("sim", "BTCUSDT", "candle:1h", 1)
TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"


class Traced:
    """Tracing with an exporter in memory."""

    def __init__(self, clock: ManualClock, ratio: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(
            "risk", "0", self.exporter, ratio, "test", bus_url="kafka://user:word@there:9092,other:9093", clock=clock
        )

    def spans(self) -> dict[str, list[ReadableSpan]]:
        """What was finished, by name."""
        self.tracing.close()
        found: dict[str, list[ReadableSpan]] = {}
        for span in self.exporter.get_finished_spans():
            found.setdefault(span.name, []).append(span)
        return found


def lasted_s(span: ReadableSpan) -> float:
    """How long it was."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


async def test_work_lasts_from_the_answer_before_until_it_is_given() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    rig, traced = WorkerRig(clock=clock), Traced(clock)

    def answer(event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        for seconds in (2, 3):
            clock.advance(seconds=seconds)
            (emit,) = Summing().on_candle(event, envelope)
            yield replace(emit, ordinal=seconds, work=Work("indicator.compute", {"seconds": seconds}))

    service = Service(name="indicator", inputs=(on(CandleClosed, answer),), outputs=(IndicatorsUpdated,))
    record = rig.record(candle(0))
    headers = (*(pair for pair in record.headers if pair[0] != "traceparent"), ("traceparent", TRACE.encode()))
    await rig.put(replace(record, headers=headers))
    worker = rig.worker(service)
    worker._answering._tracing = worker._publisher._tracing = traced.tracing
    (read,) = await rig.read(record.topic)
    await worker._answering.answer([read])
    spans = traced.spans()
    assert [lasted_s(span) for span in spans["indicator.compute"]] == [2.0, 3.0]
    (process,) = spans["process market.candle.v1"]
    assert lasted_s(process) == 5.0
    said = process.attributes
    assert said is not None
    assert (said["server.address"], said["server.port"], said["messaging.system"]) == ("there", 9092, "kafka")
    assert "word" not in str(dict(said))


def test_root_lasts_until_it_is_ended_and_kept_work_is_recorded_whatever_the_share() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    traced = Traced(clock, ratio=0.0)
    unsampled = traced.tracing.root(EVENT_ID, Work("candle.closed"))
    assert unsampled.span is None
    assert unsampled.traceparent.endswith("-00")
    assert traced.tracing.internal(Work("risk.assess"), unsampled.traceparent).span is None
    kept = traced.tracing.internal(
        Work("order.submit", kept=True, events=(("risk.rule", {"a": 1}),)), unsampled.traceparent
    )
    assert kept.span is not None
    assert kept.traceparent[:35] == unsampled.traceparent[:35], "under the trace id that log lines name"
    clock.advance(seconds=4)
    traced.tracing.ended(kept.span)
    (span,) = traced.spans()["order.submit"]
    assert (lasted_s(span), [event.name for event in span.events]) == (4.0, ["risk.rule"])


class Batches(SubscriptionPort):
    """A member that is given the same batch again and again, a second after it asked."""

    def __init__(self, clock: ManualClock, batch: list[Record]) -> None:
        self._clock, self.batch = clock, batch

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        self._clock.advance(seconds=1)
        return self.batch

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        self._clock.advance(seconds=2)

    def assignment(self) -> frozenset[Place]:
        return frozenset()

    def holds(self) -> bool:
        return True

    def pause(self, places: Sequence[Place]) -> None:
        """Deliver all the same."""

    def resume(self, places: Sequence[Place]) -> None:
        """Deliver all the same."""

    async def lag(self) -> dict[Place, int]:
        return {}

    async def close(self) -> None:
        """Nothing to leave."""


async def test_one_of_many_polls_and_commits_is_a_short_trace_linked_to_its_messages() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    traced = Traced(clock)
    message = Record("t", 0, 0, b"k", b"v", (("traceparent", TRACE.encode()),), 0)
    beat = Record("t", 0, 1, KEY_PREFIX + b"0", None, (HEADER,), 0)
    port = Batches(clock, [beat])
    member = TracedSubscription(port, traced.tracing, "risk")
    await member.poll(max_records=1, timeout_s=0)
    port.batch = [message, message, beat]
    for _ in range(BATCHES_PER_SPAN + 1):
        await member.poll(max_records=3, timeout_s=0)
        await member.commit({Place("t", 0): 1})
    spans = traced.spans()
    assert (len(spans["poll t"]), len(spans["commit t"])) == (2, 2)
    poll, commit = spans["poll t"][0], spans["commit t"][0]
    assert (lasted_s(poll), lasted_s(commit)) == (1.0, 2.0)
    assert poll.attributes is not None
    assert poll.attributes["messaging.batch.message_count"] == 3
    assert [f"{link.context.trace_id:032x}" for link in poll.links] == ["ab" * 16] * 2
    polled = poll.get_span_context()
    assert polled is not None
    assert [link.context.span_id for link in commit.links] == [polled.span_id]
    assert poll.parent is None

"""Metrics follow what happens: each is seen to move when reality does, and to stand still when it does not."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from functools import partial

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

import tradewire.ports
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope, Work, root_id
from tradewire.ports.metrics import Figure, Metric
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.codec import schema_set
from tradewire.runtime.observe.figures import SERIES_MAX, Figures
from tradewire.runtime.observe.health import Health, health_app
from tradewire.runtime.observe.metrics import REASONS, Metrics
from tradewire.runtime.observe.tracing import Tracing, root_traceparent
from tradewire.runtime.process import serve
from tradewire.runtime.service import LastPublished, Service, on
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

CANDLES = BY_EVENT[CandleClosed].name


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample."""
    return metrics.registry.get_sample_value(name, labels)


async def test_record_without_event_time_has_no_age(rig: WorkerRig) -> None:
    timed = rig.record(candle(0))
    headers = tuple(pair for pair in timed.headers if pair[0] != "event_time_us")
    await rig.put(replace(timed, headers=headers), replace(timed, headers=(*headers, ("event_time_us", b"0"))))
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: worker.progress.handled == 2)
        assert value(rig.metrics, "tradewire_event_age_seconds_count", stage="indicator") == 0
        await rig.put(timed)
        await rig.until(lambda: worker.progress.handled == 3)
        assert value(rig.metrics, "tradewire_event_age_seconds_count", stage="indicator") == 1


async def test_bar_has_an_age_at_ingest_and_its_publication_is_a_success() -> None:
    bar = candle(0)
    clock = ManualClock(bar.close_time_us + 7_000_000)
    rig = WorkerRig(clock=clock)

    async def source(_: LastPublished) -> AsyncIterator[Sequence[Emit]]:
        yield [Emit(bar, event_id=root_id("sim", "x", "candle", bar.close_time_us))]

    async with rig.running(Service(name="ingest", outputs=(CandleClosed,), source=source)) as worker:
        await rig.until(lambda: worker.progress.published > 0)
        assert value(rig.metrics, "tradewire_event_age_seconds_count", stage="ingest") == 1
        assert value(rig.metrics, "tradewire_event_age_seconds_sum", stage="ingest") == 7.0
        assert worker.progress.last_success_us == clock.now_us()


async def test_counters_exist_at_zero_from_the_start_and_build_and_mode_are_told(rig: WorkerRig) -> None:
    metrics, stop = Metrics(CollectorRegistry()), asyncio.Event()
    rig.settings = rig.settings.model_copy(update={"revision": "abc123"})
    service = replace(rig.summing(), mode="replay")
    serving = asyncio.create_task(serve([service], rig.bus, rig.settings, stop=stop, metrics=metrics))
    told = {"service": "indicator", "git_sha": "abc123", "schema_set": schema_set()}
    await rig.until(lambda: any("abc123" in str(s) for f in metrics.registry.collect() for s in f.samples), serving)
    (built,) = [s for f in metrics.registry.collect() if f.name == "tradewire_build_info" for s in f.samples]
    assert told.items() <= built.labels.items()
    assert value(metrics, "tradewire_mode_info", service="indicator", mode="replay") == 1
    counts = {"service": "indicator", "topic": CANDLES}
    assert value(metrics, "tradewire_messages_processed_total", **counts, outcome="dead_lettered") == 0
    letters = {**counts, "stage": "decode", "reason": "ContractViolationError"}
    assert value(metrics, "tradewire_dead_letters_total", **letters) == 0
    assert value(metrics, "tradewire_publish_retries_total", service="indicator") == 0
    sent = {"service": "indicator", "messaging_destination_name": BY_EVENT[IndicatorsUpdated].name}
    assert value(metrics, "messaging_client_sent_messages_total", **sent) == 0
    oversize = {**letters, "topic": sent["messaging_destination_name"], "stage": "publish", "reason": "OversizeError"}
    assert value(metrics, "tradewire_dead_letters_total", **oversize) == 0
    assert value(metrics, "tradewire_log_records_total", severity="ERROR") == 0
    await rig.put(Outgoing(CANDLES, b"key", b"no event"))
    await rig.until(lambda: rig.count(DEAD_LETTERS["indicator"]) == 1, serving)
    assert value(metrics, "tradewire_dead_letters_total", **letters) == 1
    failed = {"messaging_destination_name": CANDLES, "messaging_consumer_group_name": "indicator"}
    error = {"error_type": "ContractViolationError"}
    assert value(metrics, "messaging_process_duration_seconds_count", **failed, **error) == 1
    stop.set()
    await serving


async def test_who_accepts_openmetrics_gets_the_trace_of_an_age_as_exemplar(rig: WorkerRig) -> None:
    def nothing(_: CandleClosed, __: Envelope) -> Iterable[Emit]:
        return ()

    trace = root_traceparent("0123456789abcdef0123456789abcdef", sampled=True)
    record = rig.record(candle(0))
    headers = tuple(pair for pair in record.headers if pair[0] != "traceparent")
    await rig.put(replace(record, headers=(*headers, ("traceparent", trace.encode()))))
    tracing = Tracing("indicator", "0", InMemorySpanExporter())
    worker = rig.worker(Service(name="indicator", inputs=(on(CandleClosed, nothing),)))
    worker._answering._tracing = tracing
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await rig.until(lambda: worker.progress.handled == 1, running)
    transport = httpx.ASGITransport(app=health_app(Health([worker], rig.clock), rig.metrics, "test"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        plain = (await client.get("/metrics")).text
        open_metrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert "0123456789abcdef" not in plain
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert '# {trace_id="0123456789abcdef0123456789abcdef"}' in open_metrics.text
    stop.set()
    await running
    tracing.close()


def test_two_runs_of_the_same_data_have_traces_of_their_own() -> None:
    event_id = root_id("sim", "BTCUSDT", "candle:1h", 1)
    runs = [Tracing("ingest", "0"), Tracing("ingest", "0")]
    found = [[run.root(event_id, Work("candle.closed")).traceparent for _ in range(2)] for run in runs]
    assert found[0][0] == found[0][1]
    assert found[0][0] != found[1][0]
    other = runs[0].root(root_id("sim", "BTCUSDT", "candle:1h", 2), Work("candle.closed"))
    assert other.traceparent != found[0][0]


def test_every_type_of_error_that_a_dead_letter_may_have_is_counted_from_zero() -> None:
    def kinds(of: type[ContractViolationError]) -> set[type[ContractViolationError]]:
        return {of, *(each for kind in of.__subclasses__() for each in kinds(kind))}

    for module in pkgutil.iter_modules(tradewire.ports.__path__, "tradewire.ports."):
        importlib.import_module(module.name)
    ours = {kind.__name__ for kind in kinds(ContractViolationError) if kind.__module__.startswith("tradewire.")}
    assert {reason for reasons in REASONS.values() for reason in reasons} == ours


SEEN = Metric("tradewire_seen", "gauge", ("topic",), "Bars seen.")


async def test_figures_of_a_service_are_read_when_asked_and_events_told_once_acknowledged(rig: WorkerRig) -> None:
    metrics, stop, sent = Metrics(CollectorRegistry()), asyncio.Event(), list[str]()
    figure = Figure(SEEN, (CANDLES,), 0)
    service = replace(
        rig.summing(),
        metrics=(SEEN,),
        figures=lambda: [figure._replace(value=len(sent))],
        sent=lambda event: sent.append(type(event).__name__),
    )
    serving = asyncio.create_task(serve([service], rig.bus, rig.settings, stop=stop, metrics=metrics))
    await rig.until(lambda: value(metrics, "tradewire_seen", topic=CANDLES) == 0, serving)
    await rig.say(candle(0))
    await rig.until(lambda: "IndicatorsUpdated" in sent, serving)
    assert value(metrics, "tradewire_seen", topic=CANDLES) == len(sent)
    answered = {"service": "indicator", "event": "IndicatorsUpdated"}
    assert value(metrics, "tradewire_answer_latency_seconds_count", **answered) == 1
    stop.set()
    await serving
    assert value(metrics, "tradewire_seen", topic=CANDLES) is None


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_figure_that_is_no_number_is_refused_and_their_number_is_bounded(rig: WorkerRig, number: float) -> None:
    registry, told = CollectorRegistry(), [Figure(SEEN, (f"t{n}",), n) for n in range(SERIES_MAX + 50)]
    registry.register(Figures(lambda: [replace(rig.summing(), metrics=(SEEN,), figures=lambda: told)]))
    (family,) = registry.collect()
    assert len(family.samples) == SERIES_MAX
    told[:] = [Figure(SEEN, ("t",), number)]
    with pytest.raises(ValueError, match=r"tradewire_seen.*allowed: finite numbers"):
        list(registry.collect())


def test_figures_of_two_services_under_one_name_are_one_series_and_go_with_them(rig: WorkerRig) -> None:
    """As in a monolith, whose market data and broker both tell of the address's budget."""
    taken = Metric("tradewire_taken_total", "counter", ("lane",), "Taken.")
    used = Metric("tradewire_used", "gauge", ("lane",), "Used.")
    told = [[Figure(taken, ("data",), n), Figure(used, ("data",), n)] for n in (2, 3)]
    both = [replace(rig.summing(), metrics=(taken, used), figures=partial(tuple, one)) for one in told]
    registry, figures = CollectorRegistry(), Figures(lambda: both)
    registry.register(figures)
    assert registry.get_sample_value("tradewire_taken_total", {"lane": "data"}) == 5
    assert registry.get_sample_value("tradewire_used", {"lane": "data"}) == 3
    registry.unregister(figures)
    assert list(registry.collect()) == []

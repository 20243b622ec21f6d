"""One bar that leads to a fill is one trace, from the candle to the fill, through every service."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from tests.e2e.otlp import ExportedSpan, OtlpReceiver
from tests.e2e.slices import ROOT

from tradewire.app.operating.monolith import Scenario, memory_topics, run_monolith, sample_scenarios
from tradewire.app.operating.platform import RunOptions, begin, platform, replay
from tradewire.embedded.service_processes import SERVICES
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import CandleClosed
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus

BARS = 700
HOURLY = sample_scenarios(ROOT)["btc-hourly"]
pytestmark = pytest.mark.timeout(1800)

# (service, span) → (service, span) of its parent
EDGES = {
    ("ingest", "candle.closed"): None,
    ("ingest", "send market.candle.v1"): ("ingest", "candle.closed"),
    ("indicator", "process market.candle.v1"): ("ingest", "send market.candle.v1"),
    ("execution", "process market.candle.v1"): ("ingest", "send market.candle.v1"),
    ("indicator", "indicator.compute"): ("indicator", "process market.candle.v1"),
    ("indicator", "send indicator.snapshot.v1"): ("indicator", "process market.candle.v1"),
    ("strategy", "process indicator.snapshot.v1"): ("indicator", "send indicator.snapshot.v1"),
    ("strategy", "strategy.evaluate"): ("strategy", "process indicator.snapshot.v1"),
    ("strategy", "send strategy.evaluation.v1"): ("strategy", "process indicator.snapshot.v1"),
    ("risk", "process strategy.evaluation.v1"): ("strategy", "send strategy.evaluation.v1"),
    ("risk", "risk.assess"): ("risk", "process strategy.evaluation.v1"),
    ("risk", "send risk.assessment.v1"): ("risk", "process strategy.evaluation.v1"),
    ("execution", "process risk.assessment.v1"): ("risk", "send risk.assessment.v1"),
    ("execution", "order.submit"): ("execution", "process risk.assessment.v1"),
    ("execution", "send execution.order.v1"): ("execution", "process risk.assessment.v1"),
    ("execution", "order.fill"): ("execution", "process risk.assessment.v1"),
    ("execution", "send execution.fill.v1"): ("execution", "order.fill"),
}
UNSAMPLED = f"00-{'1f' * 16}-{'2e' * 8}-00"
KINDS = {"send": "PRODUCER", "process": "CONSUMER"}
SERVER_ATTRIBUTES = {"messaging.system", "messaging.client.id", "server.address", "server.port"}
SEND_ATTRIBUTES = SERVER_ATTRIBUTES | {
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.destination.name",
    "messaging.destination.partition.id",
    "messaging.kafka.offset",
    "messaging.kafka.message.key",
    "messaging.message.id",
    "messaging.message.conversation_id",
}
PROCESS_ATTRIBUTES = SEND_ATTRIBUTES | {
    "messaging.consumer.group.name",
    "tradewire.event_age_ms",
}


def short_scenario(folder: Path) -> Scenario:
    """The first weeks of the hourly sample."""
    name = HOURLY.files[0]
    lines = (HOURLY.data / name).read_text().splitlines()[: BARS + 1]
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "instruments.yaml").write_text((HOURLY.data / "instruments.yaml").read_text())
    return dataclasses.replace(HOURLY, data=folder)


@pytest.fixture(scope="module")
def exported(run_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[ExportedSpan], Path]:
    """All spans that the processes exported over OTLP, and the folder of their logs."""
    root = run_roots / "traced"
    scenario = short_scenario(tmp_path_factory.mktemp("data"))

    async def run(url: str) -> None:
        async with platform(scenario, RunOptions(root=root, registry=False, otlp_url=url)) as running:
            await replay(running, await begin(running, scenario))

    with OtlpReceiver() as receiver:
        asyncio.run(run(receiver.url))
    return receiver.spans, root / "logs"


def test_no_span_was_dropped(exported: tuple[list[ExportedSpan], Path]) -> None:
    lines = [line for log in exported[1].rglob("*.log") for line in log.read_text().splitlines()]
    assert lines
    assert [line for line in lines if "opentelemetry" in line] == []


def fills_within_their_trace(spans: list[ExportedSpan]) -> list[list[ExportedSpan]]:
    """Traces in which a bar led to a fill, by the candle that began them."""
    rooted = {s.trace_id for s in spans if s.name == "candle.closed"}
    filled = {s.trace_id for s in spans if s.name == "order.fill" and s.parent_id and s.trace_id in rooted}
    return [[s for s in spans if s.trace_id == trace_id] for trace_id in sorted(filled)]


def test_bar_that_leads_to_a_fill_is_one_trace(exported: tuple[list[ExportedSpan], Path]) -> None:
    traces = fills_within_their_trace(exported[0])
    assert traces
    for trace in traces:
        by_id = {span.span_id: span for span in trace}
        seen: dict[tuple[str, str], set[tuple[str, str] | None]] = {}
        for span in trace:
            parent = by_id.get(span.parent_id)
            seen.setdefault((span.service, span.name), set()).add((parent.service, parent.name) if parent else None)
        assert {edge: parents for edge, parents in seen.items() if edge in EDGES} == {
            edge: {parent} for edge, parent in EDGES.items()
        }


def test_every_process_span_links_to_the_send_it_continues(exported: tuple[list[ExportedSpan], Path]) -> None:
    for trace in fills_within_their_trace(exported[0]):
        for span in trace:
            if span.name.startswith("process "):
                assert span.links == ((span.trace_id, span.parent_id),)


def test_spans_have_the_kinds_and_attributes_of_the_messaging_conventions(
    exported: tuple[list[ExportedSpan], Path],
) -> None:
    for trace in fills_within_their_trace(exported[0]):
        for span in trace:
            operation = span.name.split(" ")[0]
            assert span.kind == KINDS.get(operation, "INTERNAL"), span
            wanted = {"send": SEND_ATTRIBUTES, "process": PROCESS_ATTRIBUTES}.get(operation, set())
            assert wanted <= set(span.attributes), span
            if operation in KINDS:
                assert span.name == f"{operation} {span.attributes['messaging.destination.name']}"


def test_spans_last_as_long_as_the_work_and_name_environment_and_instance(
    exported: tuple[list[ExportedSpan], Path],
) -> None:
    spans = exported[0]
    for name in ("candle.closed", "indicator.compute", "strategy.evaluate", "risk.assess", "order.fill"):
        lasted = [span.ended_ns - span.began_ns for span in spans if span.name == name]
        assert max(lasted) > 0, name
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        parent = by_id.get(span.parent_id)
        if span.name.startswith("send ") and parent is not None and parent.name in ("candle.closed", "order.fill"):
            assert parent.began_ns <= span.began_ns <= span.ended_ns <= parent.ended_ns
    assert {span.resource["deployment.environment.name"] for span in spans} == {"local"}
    assert len({span.resource["service.instance.id"] for span in spans}) == len({span.service for span in spans})


def test_every_rule_is_an_event_of_its_assessment_and_an_evaluation_links_to_its_configuration(
    exported: tuple[list[ExportedSpan], Path],
) -> None:
    spans = exported[0]
    judged = [span for trace in fills_within_their_trace(spans) for span in trace if span.name == "risk.assess"]
    assert any(span.events for span in judged)
    for span in judged:
        for name, attributes in span.events:
            assert name == "risk.rule"
            assert attributes.keys() == {f"tradewire.risk.{each}" for each in ("rule", "value", "limit", "verdict")}
            assert attributes["tradewire.risk.verdict"] == "passed"
    configured = {span.trace_id for span in spans if span.name == "process strategy.config.v1"}
    evaluated = [span for span in spans if span.name == "strategy.evaluate"]
    assert configured
    for span in evaluated:
        assert [trace_id in configured for trace_id, _ in span.links] == [True]


def test_polls_and_commits_are_traces_of_their_own_linked_to_what_they_brought(
    exported: tuple[list[ExportedSpan], Path],
) -> None:
    spans = exported[0]
    sent = {(span.trace_id, span.span_id) for span in spans if span.name.startswith("send ")}
    polls = [span for span in spans if span.name == "poll strategy.evaluation.v1"]
    assert polls
    for span in polls:
        assert (span.kind, span.parent_id) == ("CLIENT", "")
        assert span.attributes["messaging.operation.type"] == "receive"
        assert 0 < len(span.links) <= min(int(span.attributes["messaging.batch.message_count"]), 128)
        assert set(span.links) <= sent
    polled = {(span.trace_id, span.span_id) for span in spans if span.name.startswith("poll ")}
    commits = [span for span in spans if span.name == "commit strategy.evaluation.v1"]
    assert commits
    for span in commits:
        assert (span.kind, span.attributes["messaging.operation.type"]) == ("CLIENT", "settle")
        assert set(span.links) <= polled


async def test_orders_and_errors_are_recorded_when_no_share_of_traces_is(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, scenario = MemoryBus(memory_topics()), sample_scenarios(ROOT)["three-daily"]
    odd = Outgoing(BY_EVENT[CandleClosed].name, b"odd", b"no candle", (("traceparent", UNSAMPLED.encode()),))
    await bus.publish([odd])
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("TRADEWIRE_OTLP_URL", receiver.url)
        monkeypatch.setenv("TRADEWIRE_TRACE_RATIO", "0")
        result = await run_monolith(scenario, bus=bus)
    spans = receiver.spans
    assert [span for span in spans if span.name in ("candle.closed", "indicator.compute")] == []
    assert sum(span.name == "order.fill" for span in spans) == result.fills
    submitted = [span for span in spans if span.name == "order.submit"]
    assert submitted
    for span in submitted:
        trace = {other.name for other in spans if other.trace_id == span.trace_id}
        assert {"strategy.evaluate", "risk.assess", "send risk.assessment.v1"} <= trace
    failed = [span for span in spans if span.failed]
    assert {(span.name, span.trace_id) for span in failed} == {("process market.candle.v1", UNSAMPLED[3:35])}


def test_trace_id_is_the_candle_s_event_id_masked_with_one_run_s(
    exported: tuple[list[ExportedSpan], Path],
) -> None:
    masks = set()
    for trace in fills_within_their_trace(exported[0]):
        sent = next(s for s in trace if s.name == "send market.candle.v1")
        event_id = str(sent.attributes["messaging.message.id"]).replace("-", "")
        masks.add(int(event_id, 16) ^ int(sent.trace_id, 16))
    assert len(masks) == 1
    assert masks != {0}


def test_late_fill_begins_a_trace_of_its_own_linked_to_the_order_s(exported: tuple[list[ExportedSpan], Path]) -> None:
    spans = exported[0]
    rooted = {s.trace_id for s in spans if s.name == "candle.closed"}
    late = [s for s in spans if s.name == "order.fill" and not s.parent_id]
    assert late
    for span in late:
        assert span.trace_id not in rooted
        assert [trace_id in rooted for trace_id, _ in span.links] == [True]


def test_log_lines_of_an_order_carry_its_trace_id(exported: tuple[list[ExportedSpan], Path]) -> None:
    spans, logs = exported
    lines = [json.loads(line) for log in (logs / "execution").glob("*.log") for line in log.read_text().splitlines()]
    for trace in fills_within_their_trace(spans):
        client_ids = {s.attributes["tradewire.client_order_id"] for s in trace if s.name == "order.fill"}
        for client_id in client_ids:
            mine = [line for line in lines if line.get("client_order_id") == client_id]
            assert {line["event"] for line in mine} >= {"order_submit", "order_fill"}
            assert {line["trace_id"] for line in mine} == {trace[0].trace_id}
            for line in mine:
                assert line.keys() >= {"strategy_id", "topic", "partition", "offset", "event_id", "span_id"}


def test_every_service_writes_files_of_its_modules(exported: tuple[list[ExportedSpan], Path]) -> None:
    for service in SERVICES:
        found = {log.name for log in (exported[1] / service).glob("*.log*")}
        assert found, service
        for log in (exported[1] / service).glob("*.log"):
            loggers = {json.loads(line)["logger"] for line in log.read_text().splitlines()}
            assert {".".join(logger.split(".")[:3]) for logger in loggers} == {log.stem}

"""One bar that leads to a fill is one trace, from the candle to the fill, through every service."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from tests.e2e.otlp import ExportedSpan, OtlpReceiver
from tests.e2e.slices import ROOT

from tradewire.app.operating.monolith import Scenario, sample_scenarios
from tradewire.app.operating.platform import RunOptions, begin, platform, replay

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
KINDS = {"send": "PRODUCER", "process": "CONSUMER"}
SEND_ATTRIBUTES = {
    "messaging.system",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.destination.name",
    "messaging.destination.partition.id",
    "messaging.kafka.offset",
    "messaging.kafka.message.key",
    "messaging.message.id",
}
PROCESS_ATTRIBUTES = (SEND_ATTRIBUTES - {"messaging.message.id"}) | {
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
    lines = [line for log in exported[1].glob("*.log") for line in log.read_text().splitlines()]
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
    lines = [json.loads(line) for line in (logs / "execution.log").read_text().splitlines()]
    for trace in fills_within_their_trace(spans):
        client_ids = {s.attributes["tradewire.client_order_id"] for s in trace if s.name == "order.fill"}
        for client_id in client_ids:
            mine = [line for line in lines if line.get("client_order_id") == client_id]
            assert {line["event"] for line in mine} >= {"order_submit", "order_fill"}
            assert {line["trace_id"] for line in mine} == {trace[0].trace_id}

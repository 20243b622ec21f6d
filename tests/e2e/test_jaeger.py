"""A real Jaeger on the running platform: a filled order's trace is whole there, and `tradewire trace` shows it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from deploy.jaeger.build import BINARY
from tests.e2e.slices import kept_replay
from tests.e2e.test_trace import EDGES
from tests.monitoring.servers import serving, until

from tradewire.app.cli.output import Exit
from tradewire.app.inspecting.traces import Trace, TraceSpan, fetch_trace
from tradewire.embedded.ports import choose_ports
from tradewire.embedded.service_processes import SERVICES

pytestmark = [pytest.mark.jaeger, pytest.mark.timeout(900)]
SETTINGS = Path(__file__).parents[2] / "deploy/jaeger/jaeger.yaml"
BARS_PER_SECOND = 50


@contextmanager
def jaeger(folder: Path) -> Iterator[tuple[str, str]]:
    """URLs of its query service and of its OTLP receiver."""
    assert BINARY.exists(), "no Jaeger: `make jaeger-test` builds it"
    ports = choose_ports(["JAEGER_QUERY_PORT", "JAEGER_QUERY_GRPC_PORT", "JAEGER_OTLP_PORT"], asked={}, root=folder)
    url = f"http://127.0.0.1:{ports['JAEGER_QUERY_PORT']}"
    with pytest.MonkeyPatch.context() as patch:
        for name, port in ports.items():
            patch.setenv(name, str(port))
        with serving([str(BINARY), "--config", str(SETTINGS)], f"{url}/api/services", folder):
            yield url, f"http://127.0.0.1:{ports['JAEGER_OTLP_PORT']}/v1/traces"


@pytest.fixture(scope="module")
def traced(run_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Folder of ``tradewire up`` on a slow replay that sends its spans to Jaeger, and Jaeger's URL."""
    with jaeger(tmp_path_factory.mktemp("jaeger")) as (url, otlp), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWIRE_OTLP_URL", otlp)
        with kept_replay(run_roots / "jaeger", bars_per_second=BARS_PER_SECOND) as root:
            yield root, url


def filled(url: str) -> Trace | None:
    """A trace with a fill that has its first span, too; None while there is none."""
    asked = {"service": "execution", "operation": "order.fill", "limit": "50", "lookback": "1h"}
    found: list[dict[str, Any]] = httpx.get(f"{url}/api/traces", params=asked, timeout=60).json()["data"] or []
    for raw in found:
        trace = asyncio.run(fetch_trace(url, raw["traceID"]))
        names = {span.name for span in every(trace.roots)}
        if {"candle.closed", "order.submit", "send execution.fill.v1"} <= names:
            return trace
    return None


def every(spans: tuple[TraceSpan, ...] | list[TraceSpan]) -> Iterator[TraceSpan]:
    """Spans with all below them."""
    for span in spans:
        yield span
        yield from every(span.children)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """`tradewire`, as a shell runs it."""
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
    asked = [sys.executable, "-m", "tradewire.app.cli", *words]
    return subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)


def test_filled_order_has_one_whole_trace_and_the_command_shows_it(traced: tuple[Path, str]) -> None:
    root, url = traced
    until(lambda: filled(url) is not None)
    trace = filled(url)
    assert trace is not None
    assert [(one.service, one.name, one.parent_id) for one in trace.roots] == [("ingest", "candle.closed", None)]
    (candle,) = trace.roots
    spans = list(every(trace.roots))
    parents = {id(child): span for span in spans for child in span.children}
    edges = {
        (s.service, s.name): (parents[id(s)].service, parents[id(s)].name) if id(s) in parents else None for s in spans
    }
    assert {edge: edges.get(edge) for edge in EDGES} == EDGES

    order_id = next(s.attributes["tradewire.client_order_id"] for s in spans if s.name == "order.submit")
    shown = command("trace", order_id, "--root", str(root), "--jaeger", url)
    assert shown.returncode == Exit.DONE, shown.stderr
    lines = shown.stdout.splitlines()
    assert f"{candle.service}  candle.closed" in lines[0]
    assert sum("order.fill" in line for line in lines) >= 1
    assert f"page      {url}/trace/{trace.trace_id}" in lines

    as_json = json.loads(command("trace", trace.trace_id, "--jaeger", url, "--json").stdout)
    assert as_json["trace_id"] == trace.trace_id
    assert [root["name"] for root in as_json["roots"]] == ["candle.closed"]


def test_every_service_sends_its_spans(traced: tuple[Path, str]) -> None:
    _, url = traced
    until(lambda: set(SERVICES) <= set(httpx.get(f"{url}/api/services", timeout=60).json()["data"] or []))


def test_trace_that_jaeger_does_not_hold_is_told(traced: tuple[Path, str]) -> None:
    _, url = traced
    asked = command("trace", "1f" * 16, "--jaeger", url)
    assert asked.returncode == Exit.REFUSED
    assert "holds no trace 1f1f" in asked.stderr

"""A trace as Jaeger holds it: who called whom, when, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tradewire.ports.errors import RetryableError, TradewireError

SECONDS_FOR_ANSWER = 10.0


class NoTraceError(TradewireError):
    """Jaeger holds no such trace; the text says why that may be."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span, by its name: µs since the epoch, and what it tells."""

    time_us: int
    name: str
    attributes: dict[str, Any]


@dataclass(slots=True)
class TraceSpan:
    """One piece of work. ``start_us`` since the epoch; ``links``: traces that it continues but does not belong to."""

    span_id: str
    service: str
    name: str
    start_us: int
    duration_us: int
    parent_id: str | None
    attributes: dict[str, Any]
    events: tuple[SpanEvent, ...]
    links: tuple[str, ...]
    children: list[TraceSpan] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Did the work end with an error?"""
        return bool(self.attributes.get("error"))


@dataclass(frozen=True, slots=True)
class Trace:
    """``roots``: spans whose parent the trace does not hold, with their children, each in order of time."""

    trace_id: str
    page: str
    roots: tuple[TraceSpan, ...]

    @property
    def begins_us(self) -> int:
        """When its first span began, µs since the epoch."""
        return min(root.start_us for root in self.roots)


async def fetch_trace(jaeger_url: str, trace_id: str) -> Trace:
    """A trace from Jaeger's query service at ``jaeger_url``.

    Raises: NoTraceError: it holds none of that id; RetryableError: it gave no answer.
    """
    base = jaeger_url.rstrip("/")
    try:
        async with httpx.AsyncClient(timeout=SECONDS_FOR_ANSWER) as client:
            answer = await client.get(f"{base}/api/traces/{trace_id}")
            found = answer.json()["data"] if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise RetryableError(f"no answer of Jaeger at {base}: {error or type(error).__name__}") from error
    if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
        raise RetryableError(f"Jaeger at {base} answered {answer.status_code}")
    if not found:
        raise NoTraceError(
            f"Jaeger at {base} holds no trace {trace_id}; it may be older than what Jaeger keeps, "
            "left out by sampling, or the services send their spans elsewhere (TRADEWIRE_OTLP_URL)"
        )
    (data,) = found
    return Trace(
        trace_id, f"{base}/trace/{trace_id}", roots_of([_span(raw, data["processes"]) for raw in data["spans"]])
    )


def roots_of(spans: Sequence[TraceSpan]) -> tuple[TraceSpan, ...]:
    """Hang each span under its parent; returns those that have none here."""
    by_id = {span.span_id: span for span in spans}
    roots: list[TraceSpan] = []
    for span in sorted(spans, key=lambda span: (span.start_us, span.span_id)):
        parent = by_id.get(span.parent_id or "")
        (roots if parent is None else parent.children).append(span)
    return tuple(roots)


def _span(raw: dict[str, Any], processes: dict[str, Any]) -> TraceSpan:
    references = raw.get("references") or []
    own = [one for one in references if one["traceID"] == raw["traceID"]]
    # Jaeger tells a parent that the span links to as well once, as a link.
    parents = [one["spanID"] for one in sorted(own, key=lambda one: one["refType"] != "CHILD_OF")]
    return TraceSpan(
        span_id=raw["spanID"],
        service=processes[raw["processID"]]["serviceName"],
        name=raw["operationName"],
        start_us=raw["startTime"],
        duration_us=raw["duration"],
        parent_id=parents[0] if parents else None,
        attributes=_values(raw.get("tags")),
        events=tuple(_event(one) for one in raw.get("logs") or []),
        links=tuple(sorted({one["traceID"] for one in references if one["traceID"] != raw["traceID"]})),
    )


def _event(raw: dict[str, Any]) -> SpanEvent:
    values = _values(raw["fields"])
    return SpanEvent(raw["timestamp"], str(values.pop("event", "")), values)


def _values(tags: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags or []}

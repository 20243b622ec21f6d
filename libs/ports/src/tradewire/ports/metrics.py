"""What a service tells of its own domain as Prometheus metrics: described once, read whenever somebody asks."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A metric as it is exported. ``name`` has its unit, and ``_total`` for a counter."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    help: str


class Figure(NamedTuple):
    """One value of a metric; ``labels`` in the metric's order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float

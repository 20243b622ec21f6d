"""The figures of the services' own domains on ``/metrics``. They are read at each scrape: a message costs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tradewire.ports.metrics import Figure, Metric
from tradewire.runtime.service import Service

SERIES_MAX = 500
"""Series of one metric that are shown; configured sets of accounts, strategies and symbols are far smaller."""
Family = CounterMetricFamily | GaugeMetricFamily


class Figures(Collector):
    """Figures of the services that run now: a service that began anew tells its own."""

    def __init__(self, services: Callable[[], Iterable[Service]]) -> None:
        self._services = services

    def describe(self) -> list[Family]:
        """Every metric, without values."""
        return [_family(metric) for service in self._services() for metric in service.metrics]

    def collect(self) -> list[Family]:
        """Every metric with its values. Raises ValueError for NaN or an infinity."""
        families: list[Family] = []
        for service in self._services():
            by_name = {metric.name: _family(metric) for metric in service.metrics}
            for figure in service.figures():
                _add(by_name[figure.metric.name], figure)
            families += by_name.values()
        return families


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def _add(family: Family, figure: Figure) -> None:
    if not math.isfinite(figure.value):
        raise ValueError(f"{figure.metric.name}{figure.labels} is {figure.value}; allowed: finite numbers")
    if len(family.samples) < SERIES_MAX:
        family.add_metric(figure.labels, figure.value)

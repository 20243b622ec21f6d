"""The figures of the services' own domains on ``/metrics``. They are read at each scrape: a message costs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice

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
        """Every metric once, without values."""
        return [_family(metric) for metric in self._metrics().values()]

    def collect(self) -> list[Family]:
        """Every metric with its values. Raises ValueError for NaN or an infinity.

        What several services of a process tell under the same labels is one series: counters add up, of gauges the
        largest stands.
        """
        metrics = self._metrics()
        found: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in metrics}
        for service in self._services():
            for figure in service.figures():
                _note(found[figure.metric.name], figure)
        families = {name: _family(metric) for name, metric in metrics.items()}
        for name, series in found.items():
            for labels, value in islice(series.items(), SERIES_MAX):
                families[name].add_metric(labels, value)
        return list(families.values())

    def _metrics(self) -> dict[str, Metric]:
        return {metric.name: metric for service in self._services() for metric in service.metrics}


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def _note(series: dict[tuple[str, ...], float], figure: Figure) -> None:
    if not math.isfinite(figure.value):
        raise ValueError(f"{figure.metric.name}{figure.labels} is {figure.value}; allowed: finite numbers")
    before = series.get(figure.labels)
    if before is None:
        series[figure.labels] = figure.value
    else:
        series[figure.labels] = before + figure.value if figure.metric.kind == "counter" else max(before, figure.value)

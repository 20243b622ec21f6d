"""Every dashboard, written as Grafana's JSON into deploy/grafana/dashboards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploy.monitoring.boards.fleet import fleet
from deploy.monitoring.boards.kafka import kafka
from deploy.monitoring.boards.latency import tick_to_fill
from deploy.monitoring.boards.service import service
from deploy.monitoring.boards.trading import trading
from deploy.monitoring.boards.venue import venue
from deploy.monitoring.panels import Board


def boards(services: Sequence[str]) -> Iterator[Board]:
    """All dashboards, one for each service among them."""
    yield fleet()
    yield from map(service, services)
    yield tick_to_fill()
    yield trading()
    yield kafka()
    yield venue()

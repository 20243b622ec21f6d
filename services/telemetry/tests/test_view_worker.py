"""The views' process keeps to its own folder, and tells what it waits for from its first moment on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.service import Service
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.watching import Watching
from tradewire.telemetry.adapters.views.worker import ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.telemetry.settings import Settings
from tradewire.testkit.manual_clock import ManualClock


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ViewWorker]:
    """A worker that was made and not started."""
    rows = Rows(tmp_path / "views")
    metrics, windows = Metrics(CollectorRegistry()), Windows(size_us=60_000_000, kept=1)
    yield ViewWorker("kafka://localhost:9092", Codec(SchemaIds.static()), windows, rows, ManualClock(), metrics)
    rows.close()


def test_worker_when_made_then_faust_writes_under_the_views_folder_only(worker: ViewWorker, tmp_path: Path) -> None:
    assert (tmp_path / "views") in Path(worker.app.conf.datadir).parents
    assert (tmp_path / "views") in Path(worker.app.conf.tabledir).parents


async def test_watching_when_faust_has_begun_and_its_consumer_not_then_it_waits_for_its_partitions(
    worker: ViewWorker,
) -> None:
    settings, told_by = Settings(bus_url="memory:"), ("0", ManualClock(), Metrics(CollectorRegistry()))
    watching = Watching(Service(name="views"), worker, MemoryBus(), [], settings, SchemaIds.static(), told_by)
    worker.app._started.set()  # as faust does before it starts its parts
    assert [wait.reason for wait in watching.waits()] == ["starting"]
    assert watching.progress.phase == "joining the group"

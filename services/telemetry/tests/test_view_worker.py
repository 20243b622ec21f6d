"""The views' process keeps to its own folder."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.metrics import Metrics
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.worker import ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.testkit.manual_clock import ManualClock


def test_worker_when_made_then_faust_writes_under_the_views_folder_only(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "views")
    try:
        metrics = Metrics(CollectorRegistry())
        windows = Windows(size_us=60_000_000, kept=1)
        worker = ViewWorker("kafka://localhost:9092", Codec(SchemaIds.static()), windows, rows, ManualClock(), metrics)
        assert (tmp_path / "views") in Path(worker.app.conf.datadir).parents
        assert (tmp_path / "views") in Path(worker.app.conf.tabledir).parents
    finally:
        rows.close()

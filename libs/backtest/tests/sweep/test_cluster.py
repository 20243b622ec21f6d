"""The same sweep on a Ray cluster of several nodes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.sweeps import SweepPlan, SweepStore, parse_space, processes, run_sweep
from tradewire.backtest.sweeps.cluster import ray_workers
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import compile_strategy, parse_strategy

pytest.importorskip("ray", reason="the optional extra `ray` is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[4]
NODES = 2


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A cluster of nodes with one CPU each, stopped afterwards."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = Cluster()
        try:
            for _ in range(NODES):
                cluster.add_node(num_cpus=1, object_store_memory=80_000_000, include_dashboard=False)
            yield cluster.address
        finally:
            cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_cluster_finds_what_one_process_finds(address: str, tmp_path: Path) -> None:
    text = (ROOT / "strategies/ema-cross-btc.yaml").read_text()
    document = parse_strategy(text)
    files = MarketFiles(data=(str(ROOT / "data/sample/coinbase-BTCUSD-1h.csv"),))
    markets = load_markets(compile_strategy(document), files, end_us=1_498_906_800_000_000 + 1500 * 3_600_000_000)
    space = parse_space(document, ["fast_len=5:20:5", "slow_len=30,40"])
    plan = SweepPlan(BacktestRequest(text, markets), space)
    with SweepStore(tmp_path / "here", plan.manifest()) as store, processes(plan.job, 1) as workers:
        expected = run_sweep(plan, workers, store)

    with SweepStore(tmp_path / "there", plan.manifest()) as store, ray_workers(plan.job, address) as workers:
        assert workers.slots == NODES
        assert run_sweep(plan, workers, store) == expected

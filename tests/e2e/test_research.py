"""Research beside real servers: the certificate of six processes over Kafka, and a sweep's best on a platform."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.slices import ROOT

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, read_state
from tradewire.ports.strategy_registry import StoredVersion
from tradewire.strategy.adapters.postgres_registry import PostgresRegistry

STRATEGY = str(ROOT / "strategies/ema-cross-btc.yaml")
CANDLES = str(ROOT / "data/sample/coinbase-BTCUSD-1h.csv")
WEEKS = ("--from", "2018-01-01", "--to", "2018-01-22")
pytestmark = pytest.mark.timeout(1800)


def test_certificate_of_the_services_over_kafka_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", STRATEGY, "--data", CANDLES, *WEEKS, "--engines", "futures,vectorized,replay,kafka", "--json"]

    assert main(words) == Exit.DONE

    found = json.loads(capsys.readouterr().out)
    assert found["clean"] is True
    assert len({row["fingerprint"] for row in found["engines"] if row["engine"] != "vectorized"}) == 1
    assert {row["fills"] for row in found["engines"]} == {found["engines"][0]["fills"]} != {0}
    assert len(found["certificate"]["agreements"]) == 3


@pytest.fixture
def kept(run_root: Path) -> Iterator[Path]:
    """Folder of a platform that replays the sample at a pace of its own."""
    assert main(["up", "--lean", "--market", "replay", "--root", str(run_root)]) == Exit.DONE
    try:
        yield run_root
    finally:
        main(["down", "--root", str(run_root)])


async def registered(dsn: str, strategy_id: str) -> list[StoredVersion]:
    """All versions that the registry's tables hold."""
    registry = PostgresRegistry(dsn)
    await registry.open()
    try:
        return list(await registry.versions(strategy_id))
    finally:
        await registry.close()


def test_best_of_a_sweep_reaches_the_registry_with_its_evidence(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sweep"
    words = [
        "sweep",
        STRATEGY,
        "--data",
        CANDLES,
        "--to",
        "2017-11-01",
        "--params",
        "fast_len=5:15:5",
        "slow_len=20,30",
    ]

    assert main([*words, "--out", str(folder), "--publish", "--root", str(kept)]) == Exit.DONE

    assert "ACCEPTED" in capsys.readouterr().out
    assert main(["strategy", "show", "ema-cross-btc", "--root", str(kept), "--json"]) == Exit.DONE
    shown = json.loads(capsys.readouterr().out)["published"]
    best = json.loads((folder / "evidence.json").read_text())["report"]["ranked"][0]
    assert shown["evidence"]["sharpe_in_sample"] == f"{best['in_sample']['sharpe']:.4f}"
    assert shown["evidence"]["sharpe_out_of_sample"] == f"{best['out_of_sample']['sharpe']:.4f}"
    named = {"deflated_sharpe", "overfitting_probability", "data_sha256", "evidence_sha256", "code_version"}
    assert named <= set(shown["evidence"])
    assert shown["document"] == (folder / "best.yaml").read_text()
    state = read_state(StackPaths.under(kept))
    assert state is not None
    assert state.endpoints.postgres_dsn is not None
    dsn = state.endpoints.postgres_dsn.rpartition("/")[0] + "/strategy"
    newest = asyncio.run(registered(dsn, "ema-cross-btc"))[-1]
    assert (newest.version, newest.evidence) == (shown["version"], shown["evidence"])

    words = ["strategy", "publish", STRATEGY, "--evidence", "review=passed by two", "--root", str(kept)]
    assert main(words) == Exit.DONE
    capsys.readouterr()
    assert main(["strategy", "show", "ema-cross-btc", "--root", str(kept)]) == Exit.DONE
    assert "evidence:\n  review  passed by two\n" in capsys.readouterr().out
    assert [version.evidence for version in asyncio.run(registered(dsn, "ema-cross-btc"))][-2:] == [
        newest.evidence,
        {"review": "passed by two"},
    ]

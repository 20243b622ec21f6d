"""All six services in one process: for a replay, and for a platform that is kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from tests.e2e.otlp import OtlpReceiver

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.monolith import run_monolith
from tradewire.app.operating.sample import sample_folder, write_project
from tradewire.app.operating.scenario import sample_scenarios
from tradewire.embedded import StackPaths, fetch
from tradewire.embedded.platform_state import read_platform
from tradewire.embedded.service_processes import MONOLITH, SERVICES
from tradewire.ports.events import RiskAssessed
from tradewire.ports.topics import BY_EVENT

API = "/api/v1/accounts"
BARS = 20
"""Lines that a short file keeps."""
pytest_plugins = ["tradewire.embedded.fixtures"]
pytestmark = pytest.mark.timeout(600)


async def answers(url: str) -> tuple[dict[str, Any], str, int]:
    """What its /health and /metrics say, and whether the API answers."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        health = await client.get("/health")
        return health.json(), (await client.get("/metrics")).text, (await client.get(API)).status_code


async def test_replay_in_one_process_serves_health_metrics_and_api_of_all_six() -> None:
    asked: list[asyncio.Task[tuple[dict[str, Any], str, int]]] = []

    def ask(told: str) -> None:
        asked.append(asyncio.create_task(answers(told.partition(": ")[0])))

    scenario = sample_scenarios(sample_folder())["three-daily"]
    result = await run_monolith(scenario, telemetry=True, say=ask)
    ((health, metrics, status),) = await asyncio.gather(*asked)
    assert set(health["services"]) == set(SERVICES)
    assert "tradewire_orders" in metrics
    for figure in ("realized_pnl_usdt", "net_exposure_usdt", "ledger_mismatch_orders", "gross_exposure_usdt"):
        assert f"# TYPE tradewire_{figure} gauge" in metrics
    assert 'service="execution"' in metrics
    assert status == httpx.codes.OK
    assert result.fingerprint == (await run_monolith(scenario)).fingerprint


def test_replay_in_one_process_sends_its_traces_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path)
    for path in (tmp_path / "data/sample").glob("bitstamp-*.csv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:BARS]))
    monkeypatch.chdir(tmp_path)
    with OtlpReceiver() as receiver:
        assert main(["run", "--monolith", "--scenario", "three-daily", "--otlp", receiver.url, "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["bars"] == 3 * (BARS - 1)
    assert {span.service for span in receiver.spans} >= {"ingest", "indicator", "strategy", "risk", "execution"}


async def test_heartbeat_records_between_the_bars_of_a_replay_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = sample_scenarios(sample_folder())["three-daily"]
    without = await run_monolith(scenario)
    monkeypatch.setenv("TRADEWIRE_HEARTBEAT_SECONDS", "0.001")
    reading = REGISTRY.get_sample_value
    counted = {"service": "execution", "topic": BY_EVENT[RiskAssessed].name, "outcome": "heartbeat"}
    before = reading("tradewire_messages_processed_total", counted) or 0
    assert (await run_monolith(scenario, telemetry=True)).fingerprint == without.fingerprint
    assert (reading("tradewire_messages_processed_total", counted) or 0) > before


def test_platform_in_one_process_is_kept_with_all_six(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(StackPaths.under(open_folder), registry=False)
    monkeypatch.chdir(sample_folder())
    try:
        assert main(["up", "--monolith", "--lean", "--root", str(open_folder), "--json"]) == Exit.DONE
        services = json.loads(capsys.readouterr().out)["services"]
        assert {service["name"]: service["health"] for service in services} == dict.fromkeys(SERVICES, "ok")
        platform = read_platform(open_folder)
        assert platform is not None
        assert set(platform.services) == {MONOLITH}
        assert httpx.get(f"{platform.services[MONOLITH].url}{API}").status_code == httpx.codes.OK
        assert "tradewire_orders" in httpx.get(f"{platform.services[MONOLITH].url}/metrics").text
    finally:
        main(["down", "--root", str(open_folder)])

"""A replay in steps, through services that something else starts, is the replay of one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradewire.app.cli.replay import app
from tradewire.app.operating import elsewhere
from tradewire.app.operating.monolith import Scenario
from tradewire.app.operating.platform import RunOptions, platform
from tradewire.app.operating.switching import Switching
from tradewire.app.operating.watch import RunResult
from tradewire.embedded.service_processes import until_ready
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import ControlLevel

WITHIN_S = 120.0


async def test_steps_of_a_replay_end_with_the_fingerprint_of_one_process(
    scenario: Scenario, undisturbed: RunResult, run_root: Path
) -> None:
    async with platform(scenario, RunOptions(root=run_root)) as running:
        operator, services, endpoints = running.operator, running.services, running.stack.endpoints
        await elsewhere.prepare_servers(endpoints.bus, endpoints.registry_url, replication=1)
        assert await elsewhere.hold_back(operator)
        first = [services[name] for name in ("ingest", "strategy")]
        for service in first:
            service.start()
        await until_ready(first)
        registered = await elsewhere.register(operator, scenario)
        assert set(registered) == {path.stem for path in scenario.strategies}
        rest = [service for service in services.values() if service not in first]
        for service in rest:
            service.start()
        await until_ready(rest)
        await Switching(operator).switch("service:ingest", ControlLevel.NORMAL, "all services are ready", WITHIN_S)
        result = await elsewhere.watch(running.bus, running.codec, operator, lambda _: running.check())
        assert result.fingerprint == undisturbed.fingerprint
        # What a second `docker compose up` does: nothing is held back, and no version is published again.
        assert not await elsewhere.hold_back(operator)
        assert await elsewhere.register(operator, scenario) == ()


async def test_replay_without_a_strategy_is_not_waited_for(scenario: Scenario, run_root: Path) -> None:
    async with platform(scenario, RunOptions(root=run_root, registry=False)) as running:
        with pytest.raises(TradewireError, match="no strategy is accepted"):
            await elsewhere.watch(running.bus, running.codec, running.operator, lambda _: None)


@pytest.mark.parametrize("step", ["register", "watch"])
def test_scenario_that_there_is_not_is_named_with_those_that_there_are(step: str) -> None:
    answer = CliRunner().invoke(app, [step, "--scenario", "weekly", "--bus", "kafka://localhost:1"])
    assert answer.exit_code != 0
    assert "--scenario: found 'weekly', allowed btc-hourly, three-daily" in f"{answer.output}{answer.exception}"

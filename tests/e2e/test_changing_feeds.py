"""Accounts whose feeds end or change: a retired strategy, two intervals of a symbol, a stream that ends first."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.slices import HOURLY, replay_with

from tradewire.app.operating.monolith import Scenario, beside, build_services, memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.platform import RunOptions, platform
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.embedded.service_processes import until_ready
from tradewire.ports.events import AccountStateChanged, StrategyStatusChanged
from tradewire.ports.message import Event
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.builders import HOUR_US
from tradewire.testkit.checker import audit, read_ledger, read_topics
from tradewire.testkit.strategies import active, document, retired, status

HOURS, HOURLY_BARS, RETIRED_AFTER = 480, 400, 260
"""The market in hours, the hourly bars that are told of it, and those after which a strategy is retired."""
MARKET = {"venue": "coinbase", "sizing": "{fixed_qty: 0.5}", "protect": "{stop_loss: '0.03 * close'}"}
ACCOUNTS = {"left", "both"}
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The sample's first weeks in bars of an hour, which end early, and in bars of four hours."""
    folder = tmp_path_factory.mktemp("two-intervals")
    hourly, four_hourly = HOURLY.files[0], HOURLY.files[0].replace("1h", "4h")
    header, *lines = (HOURLY.data / hourly).read_text().splitlines()[: HOURS + 1]
    (folder / hourly).write_text("\n".join([header, *lines[:HOURLY_BARS]]) + "\n")
    (folder / four_hourly).write_text("\n".join([header, *joined(lines)]) + "\n")
    instruments = (HOURLY.data / "instruments.yaml").read_text()
    (folder / "instruments.yaml").write_text(instruments.replace("intervals: [1h]", "intervals: [1h, 4h]"))
    return dataclasses.replace(HOURLY, name="two-intervals", data=folder, files=(hourly, four_hourly), strategies=())


def joined(lines: Sequence[str]) -> list[str]:
    """Rows of four hours made of hourly ones; only of whole groups."""
    groups: dict[int, list[list[str]]] = {}
    for line in lines:
        row = line.split(",")
        groups.setdefault(int(row[0]) // 14_400_000 * 14_400_000, []).append(row)
    found = []
    for open_ms, rows in groups.items():
        if len(rows) == 4:
            high, low = max((row[2] for row in rows), key=float), min((row[3] for row in rows), key=float)
            volume = sum(float(row[5]) for row in rows)
            found.append(f"{open_ms},{rows[0][1]},{high},{low},{rows[-1][4]},{volume:.2f}")
    return found


def statuses(market: Scenario) -> list[StrategyStatusChanged]:
    """What the platform answered: one strategy retired while it holds a position, two intervals on another account."""
    opened_ms = int((market.data / market.files[0]).read_text().splitlines()[RETIRED_AFTER].split(",")[0])
    gone_us = opened_ms * 1000 + HOUR_US + 1
    left = active(document("left", "left", "BTCUSD", **MARKET))
    fast = active(document("fast", "both", "BTCUSD", **MARKET))
    slow = active(document("slow", "both", "BTCUSD", interval="4h", **MARKET))
    return [retired(left, {"BTCUSD": gone_us}), status(fast), status(slow)]


async def in_one_process(market: Scenario) -> tuple[RunResult, list[AccountStateChanged]]:
    """The run on the memory bus, and every account state."""
    bus, codec, states = MemoryBus(memory_topics()), Codec(SchemaIds.static()), []

    def listen(event: Event) -> None:
        if isinstance(event, AccountStateChanged):
            states.append(event)

    for answer in statuses(market):
        await Operator(bus, codec, SystemClock(), author="test").say(answer)
    watcher = RunWatcher(bus, codec, ACCOUNTS, listen)
    services = build_services(market, {"bus_url": "memory:"})
    return await beside(services, bus, RuntimeSettings(bus_url="memory:"), watcher.until_over), states


async def in_six_processes(market: Scenario, options: RunOptions, killed: Sequence[str]) -> RunResult:
    """The run on real servers, some services killed in the middle; nothing may be lost or doubled."""
    async with platform(market, options) as running:
        for answer in statuses(market):
            await running.operator.say(answer)
        for service in running.services.values():
            service.start()
        await until_ready(list(running.services.values()))

        async def kill() -> None:
            for name in killed:
                running.services[name].kill()
                running.services[name].start()

        result = await replay_with(running, ACCOUNTS, 2 * RETIRED_AFTER + 5, kill)
        found = audit(
            await read_topics(running.stack.bootstrap_servers),
            await read_ledger(running.stack.postgres_dsn("execution")),
        )
        assert found.findings == []
        return result


@pytest.fixture(scope="module")
def alone(market: Scenario) -> tuple[RunResult, list[AccountStateChanged]]:
    """What the run comes to in one process."""
    return asyncio.run(in_one_process(market))


def test_run_when_a_strategy_was_retired_in_position_then_its_stop_fires_later(
    alone: tuple[RunResult, list[AccountStateChanged]], market: Scenario
) -> None:
    left = [state for state in alone[1] if state.account_id == "left"]
    hourly = [state for state in left if state.positions]
    gone = len([state for state in left if state.event_time_us < statuses(market)[0].active[-1].effective_from_us])
    assert gone == RETIRED_AFTER
    assert hourly[-1] in left[gone + 5 :], "it is held for hours after it was retired"
    assert not left[-1].positions
    assert not left[-1].open_orders
    assert [state.last_of_stream for state in left[-2:]] == [False, True]


def test_run_when_the_hourly_bars_end_then_the_longer_ones_move_the_account(
    alone: tuple[RunResult, list[AccountStateChanged]],
) -> None:
    both = [state for state in alone[1] if state.account_id == "both"]
    steps_h = [(after.event_time_us - before.event_time_us) // HOUR_US for before, after in pairwise(both)]
    assert steps_h[-(HOURS - HOURLY_BARS) // 4 + 2 :] == [4] * ((HOURS - HOURLY_BARS) // 4 - 2)
    assert len({state.equity for state in both[-10:]}) == 10


@pytest.mark.parametrize(
    ("partitions", "killed"), [(1, ()), (12, ("execution", "risk", "strategy"))], ids=["calm", "killed"]
)
def test_six_processes_when_feeds_end_or_change_then_the_monolith_s_fingerprint(
    partitions: int,
    killed: Sequence[str],
    alone: tuple[RunResult, list[AccountStateChanged]],
    market: Scenario,
    run_root: Path,
) -> None:
    options = RunOptions(root=run_root, partitions={"S": partitions, "A": partitions}, registry=False)
    result = asyncio.run(in_six_processes(market, options, killed))
    assert result.fingerprint == alone[0].fingerprint
    assert result.fills == alone[0].fills

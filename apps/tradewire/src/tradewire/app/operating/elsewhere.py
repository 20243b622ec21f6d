"""A scenario through services that run elsewhere, e.g. in containers: the steps that ``platform`` takes on one machine.

In this order: ``prepare`` before any service starts; ``register`` when ingest and strategy are ready, before the others
start, so that each reads what was accepted before its first bar; ingest's release by `tradewire resume`; ``watch``.
"""

from __future__ import annotations

from collections.abc import Callable

from tradewire.app.operating.operator import Operator
from tradewire.app.operating.scenario import ANSWER_SECONDS, Scenario
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.ports.bus import EventBusPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import ConfigStatus, ControlLevel, StrategyStatusChanged
from tradewire.runtime.bus import topics as bus_topics
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec import schema_registry as registry
from tradewire.trading.language import parse_strategy


async def prepare_servers(bus_url: str, registry_url: str | None, *, replication: int | None) -> None:
    """Topics as the topic map wants them, and its schemas; again is harmless. Raises RetryableError, FatalError."""
    await bus_topics.apply(bus_url, await bus_topics.plan(bus_url, replication=replication))
    if registry_url is not None:
        await registry.register(registry_url)


async def hold_back(operator: Operator) -> bool:
    """Keep ingest from its first bar until strategies are registered; False where that was done before."""
    if await operator.latest(StrategyStatusChanged):
        return False
    await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
    return True


async def register(operator: Operator, scenario: Scenario) -> tuple[str, ...]:
    """Publish the scenario's limits, and those of its strategies that nobody has answered yet; returns their ids.

    Raises NoAnswerError; TradewireError that names what was refused and why.
    """
    known = await operator.latest(StrategyStatusChanged)
    by_id = {parse_strategy(path.read_text(encoding="utf-8")).id: path for path in scenario.strategies}
    new = {strategy_id: path for strategy_id, path in by_id.items() if strategy_id not in known}
    if not new:
        return ()
    await operator.until_instruments(len(scenario.files), ANSWER_SECONDS)
    for limits in scenario.limits:
        await operator.say(limits)
    await operator.register(new.values(), ANSWER_SECONDS)
    return tuple(new)


async def watch(
    bus: EventBusPort, codec: Codec, operator: Operator, progress: Callable[[RunResult], None]
) -> RunResult:
    """Follow the replay of every accepted strategy to its end. Raises TradewireError when there is none."""
    found = (status for status in (await operator.latest(StrategyStatusChanged)).values())
    accounts = {
        version.account_id
        for status in found
        if isinstance(status, StrategyStatusChanged) and status.status is ConfigStatus.ACCEPTED
        for version in status.active
    }
    if not accounts:
        raise TradewireError("no strategy is accepted, so no replay can end: `tradewire replay register` first")
    return await RunWatcher(bus, codec, accounts).until_over(progress)

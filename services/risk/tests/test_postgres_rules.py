"""The Postgres rules keep the risk port's contract on a real server, and every version ever made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import RiskLimitsAnswered
from tradewire.ports.risk import RiskPort, limits_told
from tradewire.risk.adapters import postgres_rules
from tradewire.risk.adapters.postgres_rules import MIGRATIONS, SCHEMA, PostgresRules
from tradewire.risk.domain.limits import LimitsDesk
from tradewire.runtime.stores.postgres import migrate
from tradewire.testkit.builders import envelope
from tradewire.testkit.risk_suite import RiskSuite, limits

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]


@pytest.fixture(scope="module")
def dsn(postgres: PostgresServer) -> str:
    """A database of this module's own."""
    return postgres.new_database()


class TestPostgresRules(RiskSuite):
    """A restart reads the database."""

    @pytest.fixture(autouse=True)
    async def _database(self, dsn: str) -> AsyncIterator[None]:
        self.dsn, self.opened = dsn, list[PostgresRules]()
        await migrate(dsn, schema=SCHEMA, migrations=MIGRATIONS)
        connection = await asyncpg.connect(dsn)
        await connection.execute("TRUNCATE risk.limits")
        await connection.close()
        yield
        for rules in self.opened:
            await rules.close()

    async def made(self) -> PostgresRules:
        rules = PostgresRules(self.dsn)
        self.opened.append(rules)
        await rules.open()
        return rules

    async def restarted(self, rules: RiskPort) -> RiskPort:
        assert isinstance(rules, PostgresRules)
        await rules.flush()
        return await self.made()

    async def test_flush_when_changed_often_then_history_keeps_every_version(self) -> None:
        rules = await self.made()
        versions = [limits(number, max_leverage=Decimal(number)) for number in (1, 2, 5)]
        rules.change(versions[0])
        await rules.flush()
        for change in (*versions[1:], limits(4), versions[2]):
            rules.change(change)
        await rules.flush()
        await rules.flush()
        assert list(await rules.history("paper-1")) == versions

    async def test_change_when_the_database_is_ahead_of_a_new_bus_then_its_limits_go_on(self) -> None:
        before = await self.made()
        for version in (1, 2):
            before.change(limits(version, max_leverage=Decimal(5)))
        await before.flush()
        rules = await self.made()
        desk = LimitsDesk(rules, lambda _: True)
        (told,) = [emit.event for emit in desk.tick(1)]
        assert isinstance(told, RiskLimitsAnswered)
        assert limits_told(told) == limits(2, max_leverage=Decimal(5))
        for offset, version in enumerate((1, 3)):
            list(desk.on_change(asked := limits(version, max_leverage=Decimal(1)), envelope(asked, offset)))
        answers = [emit.event for emit in desk.tick(2) if isinstance(emit.event, RiskLimitsAnswered)]
        assert [(answer.accepted, answer.version) for answer in answers] == [(False, 3), (True, 3)]
        await rules.flush()
        assert [one.version for one in await rules.history("paper-1")] == [1, 2, 3]
        assert (await self.made()).limits("paper-1").max_leverage == Decimal(1)

    async def test_change_when_the_topic_repeats_it_after_a_restart_then_written_once(self) -> None:
        rules = await self.made()
        rules.change(limits(3))
        await rules.flush()
        for again in (await self.made(), await self.made()):
            again.change(limits(3))
            await again.flush()
        assert list(await rules.history("paper-1")) == [limits(3)]

    async def test_flush_when_two_instances_write_the_same_then_history_has_it_once(self) -> None:
        both = [await self.made(), await self.made()]
        for rules in both:
            rules.change(limits(1, max_leverage=Decimal(2)))
        await asyncio.gather(*(rules.flush() for rules in both))
        assert list(await both[0].history("paper-1")) == [limits(1, max_leverage=Decimal(2))]

    async def test_change_when_same_version_says_something_else_then_the_later_one_is_in_force_after_a_restart(
        self,
    ) -> None:
        rules = await self.made()
        for leverage in (3, 2, 3, 1):
            rules.change(limits(1, max_leverage=Decimal(leverage)))
            await rules.flush()
        assert (await self.made()).limits("paper-1") == limits(1, max_leverage=Decimal(1))

    async def test_close_when_changes_are_queued_then_they_are_written(self) -> None:
        rules = await self.made()
        rules.change(limits(1))
        await rules.close()
        assert (await self.made()).limits("paper-1") == limits(1)

    async def test_flush_when_server_was_killed_then_limits_bind_and_are_written_once_it_serves_again(
        self, postgres: PostgresServer
    ) -> None:
        rules = await self.made()
        await asyncio.to_thread(postgres.kill)
        try:
            rules.change(limits(1, max_leverage=Decimal(1)))
            with pytest.raises(RetryableError):
                await rules.flush()
            rules.change(limits(2, max_leverage=Decimal(2)))
            assert rules.limits("paper-1").version == 2
        finally:
            await asyncio.to_thread(postgres.start)
        await rules.flush()
        assert [version.version for version in await rules.history("paper-1")] == [1, 2]

    async def test_change_when_too_many_wait_then_fatal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres_rules, "QUEUED_MAX", 2)
        rules = await self.made()
        rules.change(limits(1))
        rules.change(limits(2))
        with pytest.raises(FatalError, match="2 changes"):
            rules.change(limits(3))

"""What the API says of the platform: mode, services, feeds, prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from tradewire.ports.errors import RetryableError
from tradewire.ports.topics import SERVICES
from tradewire.runtime.observe.instance_status import InstanceStatus, status_of
from tradewire.telemetry.adapters.api.platform import PARTITIONS_HEADER, PlatformRoutes
from tradewire.telemetry.adapters.api.stream import UpdateStream
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.testkit.builders import instance_report
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

NOW_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000


class Rig:
    """The routes over a desk; ``instances`` None: the bus is away."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.desk, self.clock = messages, TelemetryDesk(Books()), ManualClock(NOW_US)
        self.stream = UpdateStream(self.clock)
        self.found: list[InstanceStatus] | None = []
        self.asked = 0
        self.routes = PlatformRoutes(
            self.desk, self.stream, self.clock, instances=self._instances, held=lambda: ([0, 2], 6)
        )
        app = FastAPI()
        app.include_router(self.routes.router, dependencies=[Depends(self.routes.tell_partitions)])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def _instances(self) -> list[InstanceStatus]:
        self.asked += 1
        if self.found is None:
            raise RetryableError("broker away")
        return self.found

    def candle(self, close_us: int, **other: Any) -> None:
        candle = self.messages.candle(interval="1m", close_time_us=close_us, **other)
        self.desk.on_market(candle, self.messages.envelope(candle, event_time_us=close_us, sent_at_us=NOW_US))

    async def get(self, path: str, expected: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == expected, answer.text
        return answer.json()


@pytest.fixture
async def rig(messages: Messages) -> AsyncIterator[Rig]:
    rig = Rig(messages)
    yield rig
    await rig.client.aclose()


async def test_platform_when_nothing_came_then_absence_is_null(rig: Rig) -> None:
    shown = await rig.get("/platform")
    assert (shown["mode"], shown["event_time_us"], shown["now_us"]) == (None, None, NOW_US)
    assert (shown["partitions"], shown["at"]) == ({"held": [0, 2], "all": 6}, rig.stream.at)
    assert (await rig.client.get("/platform")).headers[PARTITIONS_HEADER] == "0,2 of 6"


@pytest.mark.parametrize(
    ("environment", "age_us", "mode"),
    [
        ("local", 0, None),
        ("local", 2 * DAY_US, "replay"),
        ("mainnet", 2 * DAY_US, "mainnet"),
        ("paper", 0, "paper"),
        ("lab", 0, None),
    ],
)
async def test_mode_when_deployed_or_replaying_then_said_else_null(
    environment: str, age_us: int, mode: str | None, rig: Rig
) -> None:
    rig.routes.environment = environment
    rig.candle(NOW_US - age_us)
    assert (await rig.get("/platform"))["mode"] == mode


async def test_services_when_some_report_then_each_is_shown_and_the_rest_absent(rig: Rig) -> None:
    told = {"ready": False, "unready": ("parked_key: main",), "waits_for": ("parked_key: main",)}
    rig.found = [
        status_of(instance_report(NOW_US - 1_000_000, "risk", instance_id="risk-0", **told), NOW_US),
        status_of(instance_report(NOW_US - 60_000_000, "execution", instance_id="execution-0"), NOW_US),
        status_of(instance_report(NOW_US, "ingest", instance_id="ingest-0", phase="running"), NOW_US),
    ]
    shown = await rig.get("/services")
    assert [one["name"] for one in shown["services"]] == list(SERVICES)
    states = {one["name"]: one["state"] for one in shown["services"]}
    assert (states["risk"], states["execution"], states["telemetry"]) == ("not ready", "lost", "absent")
    (risk,) = shown["services"][3]["instances"]
    assert (risk["waits_for"], risk["reported_us"]) == (["parked_key: main"], NOW_US - 1_000_000)
    assert not shown["healthy"]
    assert "risk-0 is not ready: parked_key: main" in shown["problems"]


async def test_services_when_many_ask_then_the_bus_is_asked_once_in_a_while(rig: Rig) -> None:
    for _ in range(3):
        await rig.get("/services")
    assert rig.asked == 1
    rig.clock.advance(seconds=3)
    await rig.get("/services")
    assert rig.asked == 2


async def test_services_when_the_bus_is_away_then_503_says_so(rig: Rig) -> None:
    rig.found = None
    assert (await rig.get("/services", 503))["detail"] == "the bus does not answer: broker away"


async def test_feeds_when_all_are_dead_then_each_says_so_and_the_worst_is_first(rig: Rig) -> None:
    rig.candle(NOW_US, symbol="A")
    rig.candle(NOW_US, symbol="B", last_of_stream=True)
    assert [one["state"] for one in await rig.get("/feeds")] == ["LIVE", "ENDED"]
    rig.clock.advance(seconds=1000)
    dead, ended = await rig.get("/feeds")
    assert (dead["symbol"], dead["state"], dead["silent_seconds"]) == ("A", "DEAD", 1000.0)
    assert dead["due_us"] == NOW_US + 60_000_000
    assert (ended["state"], ended["due_us"]) == ("ENDED", None)


async def test_marks_when_only_bars_came_then_what_is_not_known_is_null(rig: Rig) -> None:
    rig.candle(NOW_US, close="100.50")
    (shown,) = await rig.get("/marks?symbol=BTCUSDT")
    assert (shown["last"], shown["mark"], shown["bid"]) == ("100.50", None, None)
    assert await rig.get("/marks?symbol=ETHUSDT") == []

"""The two processes on real servers: killed in the middle, and everything is there once, and right."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tradewire.ports.bus import EventBusPort, Outgoing
from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.ports.message import Event
from tradewire.ports.telemetry import LogQuery
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.telemetry.adapters.postgres_log_store import PostgresLogStore
from tradewire.telemetry.domain.rolling import rolling_accounts, rolling_legs
from tradewire.telemetry.domain.windows import Windows

if TYPE_CHECKING:
    from tradewire.embedded import Stack

    from .conftest import Messages
else:
    Messages = Any

pytest_plugins = ["tradewire.embedded.fixtures"]
pytestmark = pytest.mark.timeout(180)

HOUR_US = 3_600_000_000
ACCOUNTS, HOURS = 4, 40
PATIENCE_SECONDS = 90.0


class Child:
    """A process of ours, its environment and its HTTP face."""

    def __init__(self, module: str, folder: Path, environment: dict[str, str]) -> None:
        self._module, self._folder = module, folder
        self._port_file = folder / "port"
        self._environment = (
            os.environ
            | environment
            | {
                "TRADEWIRE_HTTP_PORT": "0",
                "TRADEWIRE_HTTP_PORT_FILE": str(self._port_file),
            }
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{int(self._port_file.read_text())}"

    def start(self) -> None:
        self._port_file.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            command = [sys.executable, "-m", self._module]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def end(self, *, kill: bool = True) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
        return self._process.wait(30)

    async def get(self, client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
        """What it answers; None while it does not."""
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-3000:]
        try:
            answer = await client.get(f"{self.url}{path}", params=parameters)
            return answer.json() if answer.status_code == 200 else None
        except (OSError, ValueError, httpx.HTTPError):
            return None


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """What ``found`` says once it is true; only a failing test waits to the end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if answer := await found():
                return answer
            await asyncio.sleep(0.05)  # between two questions; the answer itself is what is waited for


@pytest.fixture(scope="module")
def topics(stack: Stack) -> str:
    """Every topic of the map; returns the brokers."""

    async def create() -> None:
        plan = await topic_admin.plan(stack.bootstrap_servers, replication=1)
        await topic_admin.apply(stack.bootstrap_servers, plan)

    asyncio.run(create())
    return stack.bootstrap_servers


@pytest.fixture
async def bus(topics: str) -> AsyncIterator[EventBusPort]:
    bus = connect(f"kafka://{topics}", client_id="test")
    await bus.start()
    yield bus
    await bus.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5.0) as client:
        yield client


def story(messages: Messages, name: str) -> list[tuple[Event, str]]:
    """Hours of several accounts, two events each, with their ids."""
    told: list[tuple[Event, str]] = []
    for hour in range(HOURS):
        for number in range(ACCOUNTS):
            ids: dict[str, Any] = {"account_id": f"{name}-{number}", "strategy_id": f"s{number}"}
            at = {"event_time_us": hour * HOUR_US + 1}
            fill = messages.fill(**ids, **at, sequence=2 * hour + 1, realized_pnl=str(hour - 15), fee="0.25")
            state = messages.state(
                account_id=ids["account_id"], **at, sequence=2 * hour + 2, equity=str(1000 + (hour * 37) % 101)
            )
            told += [(fill, f"{name}-f{number}-{hour}"), (state, f"{name}-s{number}-{hour}")]
    return told


async def publish(bus: EventBusPort, messages: Messages, told: Sequence[tuple[Event, str]]) -> None:
    codec = Codec(SchemaIds.static())
    records = []
    for event, event_id in told:
        spec = BY_EVENT[type(event)]
        headers = codec.encode_headers(messages.envelope(event, event_id=event_id))
        records.append(Outgoing(spec.name, spec.key_of(event).encode(), codec.encode(event), headers))
    await bus.publish(records)


def machine_died(child: Child, views: Path, older: Path) -> None:
    """Start the views again on an older disk: the offsets that are committed are ahead of it."""
    child.end()
    shutil.rmtree(views)
    older.rename(views)
    child.start()


def telemetry(stack: Stack, database: str, folder: Path) -> Child:
    """The service with a log store of its own, a static member so that a killed one is back at once."""
    environment = {
        "TRADEWIRE_BUS_URL": f"kafka://{stack.bootstrap_servers}",
        "TRADEWIRE_TELEMETRY_DSN": stack.postgres_dsn(database),
        "TRADEWIRE_MEMBER": "telemetry-0",
    }
    return Child("tradewire.telemetry", folder, environment)


async def killed_between(
    child: Child,
    bus: EventBusPort,
    messages: Messages,
    told: Sequence[tuple[Event, str]],
    begun: Callable[[], Awaitable[Any]],
    *,
    after_kill: Callable[[], object] = lambda: None,
) -> None:
    """Tell one half, kill the child once it has ``begun``, tell the other half and some again, start it again."""
    half = len(told) // 2
    child.start()
    await publish(bus, messages, told[:half])
    await until(begun)
    child.end()
    after_kill()
    await publish(bus, messages, [*told[half:], *told[half - 20 : half]])
    child.start()


async def test_telemetry_when_killed_in_the_middle_then_log_and_books_have_everything_once(
    stack: Stack, bus: EventBusPort, client: httpx.AsyncClient, messages: Messages, tmp_path: Path
) -> None:
    child, told = telemetry(stack, "telemetry_killed", tmp_path), story(messages, "killed")

    async def results(fills: int) -> Any:
        accounts = await child.get(client, "/api/v1/accounts") or []
        mine = [account for account in accounts if account["account_id"].startswith("killed-")]
        done = [a for a in mine if a["strategies"] and a["strategies"][0]["fills"] >= fills]
        return done if len(done) == ACCOUNTS else None

    async def logged() -> Any:
        found = await child.get(client, "/api/v1/log", account_id="killed-1", limit=1000)
        return found["entries"] if found and len(found["entries"]) >= 2 * HOURS else None

    try:
        await killed_between(child, bus, messages, told, lambda: results(1))
        accounts = await until(lambda: results(HOURS))
        assert {a["strategies"][0]["fills"] for a in accounts} == {HOURS}
        assert {float(a["strategies"][0]["realized_pnl"]) for a in accounts} == {sum(range(-15, HOURS - 15))}
        assert len((await child.get(client, "/api/v1/accounts/killed-0/equity"))["points"]) == HOURS
        assert [entry["event_id"] for entry in await until(logged)] == [
            f"killed-{kind}1-{hour}" for hour in range(HOURS) for kind in "fs"
        ]
        assert child.end(kill=False) == 0
    finally:
        child.end()
    store = PostgresLogStore(stack.postgres_dsn("telemetry_killed"))
    await store.open()
    fills = [
        e for e in (await store.query(LogQuery(kind="OrderFilled", limit=1000))).entries if "killed-" in e.event_id
    ]
    await store.close()
    assert len(fills) == ACCOUNTS * HOURS


async def test_telemetry_when_stopped_under_an_open_stream_then_the_stream_ends_and_it_exits(
    stack: Stack, bus: EventBusPort, client: httpx.AsyncClient, messages: Messages, tmp_path: Path
) -> None:
    child = telemetry(stack, "telemetry_stream", tmp_path)

    async def listened_to() -> bool:
        try:
            async with client.stream("GET", f"{child.url}/api/v1/stream") as stream:
                return stream.status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False

    child.start()
    try:
        await until(listened_to)
        async with client.stream("GET", f"{child.url}/api/v1/stream", params={"account_id": "streamed"}) as stream:
            lines = stream.aiter_lines()
            assert [await anext(lines) for _ in range(2)] == ["retry: 1000", "event: beat"]
            await publish(bus, messages, [(messages.fill(account_id="streamed", sequence=1), "streamed-1")])
            while await anext(lines) != "event: OrderFilled":  # beats may come before it
                pass
            assert (await anext(lines)).startswith("id: ")
            assert '"event_id":"streamed-1"' in await anext(lines)
            ending = asyncio.create_task(asyncio.to_thread(child.end, kill=False))
            async for _ in lines:
                pass
            assert await ending == 0
    finally:
        child.end()


async def test_views_when_killed_in_the_middle_then_every_window_is_right(
    topics: str, bus: EventBusPort, client: httpx.AsyncClient, messages: Messages, tmp_path: Path
) -> None:
    views, older = tmp_path / "views", tmp_path / "older"
    environment = {"TRADEWIRE_BUS_URL": f"kafka://{topics}", "TRADEWIRE_VIEWS_FOLDER": str(views)}
    child, told = Child("tradewire.telemetry.adapters.views", tmp_path, environment), story(messages, "seen")
    expected = Windows(size_us=HOUR_US, kept=720)
    for event, _ in told:
        assert isinstance(event, AccountStateChanged | OrderFilled)
        expected.take(event)

    async def view(name: str, **parameters: Any) -> list[Any]:
        found = await child.get(client, f"/api/v1/views/{name}", **parameters) or []
        return [shown for shown in found if shown["account_id"].startswith("seen-")]

    async def begun() -> bool:
        return len(await view("legs", windows=720)) == ACCOUNTS

    async def caught_up() -> bool:
        legs, accounts = await view("legs", windows=720), await view("accounts")
        return {leg["fills"] for leg in legs} == {HOURS} and {a["to_us"] for a in accounts} == {HOURS * HOUR_US}

    try:
        await killed_between(child, bus, messages, told, begun, after_kill=lambda: shutil.copytree(views, older))
        await until(caught_up)
        machine_died(child, views, older)
        await until(caught_up)
        legs, accounts = await view("legs", windows=720), await view("accounts", windows=24)
        assert [float(leg["realized_pnl"]) for leg in legs] == [
            float(leg.realized_pnl) for leg in rolling_legs(expected, 720)
        ]
        ratios = [(float(a["pnl"]), a["drawdown_ratio"], a["worst_drawdown_ratio"]) for a in accounts]
        assert ratios == [
            (float(a.pnl), a.drawdown_ratio, a.worst_drawdown_ratio) for a in rolling_accounts(expected, 24)
        ]
        for name, windows in expected.accounts.items():
            shown = await child.get(client, f"/api/v1/views/accounts/{name}/windows")
            assert [(w["start_us"], float(w["last_equity"])) for w in shown] == [
                (start, float(window.last_equity)) for start, window in sorted(windows.items())
            ]
        assert child.end(kill=False) == 0
    finally:
        child.end()

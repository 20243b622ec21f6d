"""Commands that stop trading, while the schema registry does not answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
from tradewire.app.operating.ids_in_use import ids_in_use
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.switching import Switching
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import ControlChanged, ControlLevel, ControlStatusChanged
from tradewire.ports.topics import BY_EVENT, OLDER_SCHEMAS, TOPICS
from tradewire.runtime.codec import PREFIX, Codec, SchemaIds
from tradewire.runtime.codec.announced_ids import HEADER, announcement
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig

STATUSES = BY_EVENT[ControlStatusChanged].name
CONTROLS = BY_EVENT[ControlChanged].name
WITHIN_S = 10.0
OLDER_ID = 777


def ids_of_a_registry() -> SchemaIds:
    """Ids as no other registry gives them."""
    ids = SchemaIds({name: 1_000 + number for number, name in enumerate(TOPICS)}, registry_url=None)
    ids.learn(OLDER_ID, next(text for text in OLDER_SCHEMAS.values() if '"ControlChanged"' in text))
    return ids


@asynccontextmanager
async def silent_registry() -> AsyncIterator[str]:
    """One that takes every call and answers none."""
    stop = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stop.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
    finally:
        stop.set()
        server.close()


@pytest.fixture
async def rig() -> AsyncIterator[WorkerRig]:
    """Risk and execution at work, which looked their ids up when they started."""
    made = WorkerRig()
    made.codec = Codec(ids_of_a_registry())
    await made.say(status(active(document("trend", "alpha"))))
    services = (
        tradewire.risk.wiring.build(tradewire.risk.settings.Settings(bus_url="memory:")),
        tradewire.execution.wiring.build(tradewire.execution.settings.Settings(bus_url="memory:")),
    )
    async with AsyncExitStack() as stack:
        for service in services:
            await stack.enter_async_context(made.running(service))
        await made.until(lambda: made.count(STATUSES) >= len(services))
        yield made


@pytest.mark.parametrize("level", [level for level in ControlLevel if level is not ControlLevel.NORMAL])
async def test_switch_when_the_registry_is_silent_then_written_obeyed_and_shown(
    rig: WorkerRig, level: ControlLevel
) -> None:
    async with silent_registry() as url:
        operator = Operator(rig.bus, Codec(await ids_in_use(rig.bus, url)), rig.clock, author="ann")
        obeyed = await Switching(operator).switch("account:alpha", level, "drill", WITHIN_S)
        assert sorted(obeyed.obeyed_by) == ["execution", "risk"]
        assert (await Switching(operator).asked())["account:alpha"].not_obeyed_by == []
        assert (await Switching(operator).switch("account:alpha", ControlLevel.NORMAL, "", WITHIN_S)).in_force == {}
    (*_, last) = await rig.read(CONTROLS)
    assert PREFIX.unpack_from(last.value or b"") == (0, rig.codec.ids.own(CONTROLS))


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
async def test_ids_when_nobody_can_be_asked_then_those_of_the_services(rig: WorkerRig, url: str | None) -> None:
    ids = await ids_in_use(rig.bus, url)
    assert {name: ids.own(name) for name in TOPICS} == {name: rig.codec.ids.own(name) for name in TOPICS}
    assert ids.writer(OLDER_ID) == rig.codec.ids.writer(OLDER_ID)


@pytest.mark.parametrize(
    "header",
    [b"", b"{", b"[]", b"null", b"7", b'{"x": "y"}', b'{"-1": "a"}', b'{"1": "a"}', b"[" * 60_000, b"9" * 9_000],
)
async def test_ids_when_somebody_announces_nonsense_then_it_changes_nothing(rig: WorkerRig, header: bytes) -> None:
    own = announcement(rig.codec.ids)[1]
    await rig.put(Outgoing(STATUSES, b"x", b"x", ((HEADER, header),)))
    ids = await ids_in_use(rig.bus, "http://127.0.0.1:1")
    assert json.loads(announcement(ids)[1]) == json.loads(own)


async def test_ids_when_nothing_was_announced_then_the_registrys_own_error() -> None:
    with pytest.raises(RetryableError, match="registry"):
        await ids_in_use(WorkerRig().bus, "http://127.0.0.1:1")
    assert (await ids_in_use(WorkerRig().bus, None)).own(CONTROLS) == TOPICS[CONTROLS].schema_id

"""What the pages may write, over the memory bus: the kill switch waits for nothing but the writing of another level."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from tradewire.app.cli.reach import Reached, Where
from tradewire.app.operating.operator import Operator
from tradewire.app.web.writes import Writes
from tradewire.ports.bus import Record
from tradewire.ports.events import ControlChanged
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.access.roles import Role
from tradewire.runtime.dead_letters.letters import dead_letter
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

CONTROLS, LETTERS = BY_EVENT[ControlChanged].name, DEAD_LETTERS["risk"]


async def test_level_when_a_replay_and_a_level_wait_for_services_that_are_down_then_it_is_written(
    rig: WorkerRig, tmp_path: Path
) -> None:
    waits_for_ever = Operator(rig.bus, rig.codec, ManualClock(1_700_000_000_000_000), author="ann")

    @asynccontextmanager
    async def reach(_: Where, __: Role) -> AsyncIterator[Reached]:
        yield Reached(rig.bus, rig.codec, waits_for_ever)

    app = FastAPI()
    Writes(tmp_path, reach).add_to(app)
    source = Record("strategy.evaluation.v1", 0, 7, b"alpha", b"bytes", (), 0)
    await rig.put(dead_letter(source, service="risk", version="0", stage="handle", error=ValueError("odd")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=None) as page:
        asked = {"service": "risk", "topic": source.topic, "key": "alpha"}
        waiting = [asyncio.create_task(page.post("/web/dead-letters", json=asked))]
        await rig.until(lambda: rig.count(LETTERS) == 2)  # the letter, and the request to replay it
        for count, level in enumerate(("NO_NEW", "FLATTEN"), 1):
            waiting.append(asyncio.create_task(page.post("/web/controls", json={"scope": "global", "level": level})))
            await rig.until(lambda count=count: rig.count(CONTROLS) == count)  # type: ignore[misc]
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    levels = [event.level for _, event in await rig.said(ControlChanged) if isinstance(event, ControlChanged)]
    assert levels == ["NO_NEW", "FLATTEN"]

"""Risk and execution on a memory bus, for tests of the commands that stop trading."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
from tradewire.app.operating.operator import Operator
from tradewire.runtime.service import Service
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig


def risk() -> Service:
    return tradewire.risk.wiring.build(tradewire.risk.settings.Settings(bus_url="memory:"))


def execution() -> Service:
    return tradewire.execution.wiring.build(tradewire.execution.settings.Settings(bus_url="memory:"))


@pytest.fixture
async def rig() -> WorkerRig:
    """A bus on which the strategy ``trend`` trades on the account ``alpha``."""
    made = WorkerRig()
    await made.say(status(active(document("trend", "alpha"))))
    return made


@pytest.fixture
def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="ann")


@pytest.fixture
async def platform(rig: WorkerRig) -> AsyncIterator[dict[str, Service]]:
    """Risk and execution at work."""
    services = {"risk": risk(), "execution": execution()}
    async with AsyncExitStack() as stack:
        for service in services.values():
            await stack.enter_async_context(rig.running(service))
        yield services

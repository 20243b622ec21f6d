"""The behaviour that every event bus must show; an adapter's test class inherits ``BusSuite``.

A subclass gives a ``harness`` fixture and nothing else::

    class TestMyBus(BusSuite):
        @pytest.fixture
        async def harness(self, my_server: Server) -> AsyncIterator[Harness]: ...
"""

from __future__ import annotations

from tradewire.testkit.bus_suite.faults import FaultSuite
from tradewire.testkit.bus_suite.groups import GroupSuite
from tradewire.testkit.bus_suite.harness import Harness
from tradewire.testkit.bus_suite.logs import LogSuite
from tradewire.testkit.bus_suite.vanished import VanishedSuite

__all__ = ["BusSuite", "FaultSuite", "GroupSuite", "Harness", "LogSuite", "VanishedSuite"]


class BusSuite(LogSuite, GroupSuite, VanishedSuite, FaultSuite):
    """All of it."""

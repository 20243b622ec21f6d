"""The Redis bus shows the behaviour of every bus on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradewire.app.stack.stack import Stack
from tradewire.testkit.bus_suite import BusSuite, Harness

pytest_plugins = ["tradewire.app.stack.fixtures"]

BOUNDS = "session_s=3&heartbeat_s=0.1&rebalance_s=10&connect_s=2&request_s=2&close_s=2"


class TestRedisBus(BusSuite):
    """The suite."""

    @pytest.fixture
    def harness(self, stack: Stack, server_harness: Callable[[str, str], Harness]) -> Harness:
        return server_harness("redis", f"{stack.redis_url}?{BOUNDS}")

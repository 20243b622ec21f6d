"""The Kafka bus shows the behaviour of every bus on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradewire.app.stack.stack import Stack
from tradewire.testkit.bus_suite import BusSuite, Harness

pytest_plugins = ["tradewire.app.stack.fixtures"]

BOUNDS = "session_s=2&heartbeat_s=0.3&rebalance_s=10&send_s=2&connect_s=3&request_s=5&close_s=2&topic_wait_s=0.5"


class TestKafkaBus(BusSuite):
    """The suite."""

    @pytest.fixture
    def harness(self, stack: Stack, server_harness: Callable[[str, str], Harness]) -> Harness:
        return server_harness("kafka", f"kafka://{stack.bootstrap_servers}?{BOUNDS}")

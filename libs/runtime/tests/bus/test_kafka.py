"""The Kafka bus shows the behaviour of every bus on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradewire.testkit.bus_servers import BusServers
from tradewire.testkit.bus_suite import BusSuite, Harness

pytest_plugins = ["tradewire.embedded.fixtures"]

BOUNDS = "session_s=6&heartbeat_s=0.3&rebalance_s=20&send_s=6&connect_s=8&request_s=8&close_s=4&topic_wait_s=2"


class TestKafkaBus(BusSuite):
    """The suite."""

    @pytest.fixture
    def harness(self, servers: BusServers, server_harness: Callable[[str, str], Harness]) -> Harness:
        return server_harness("kafka", f"kafka://{servers.bootstrap_servers}?{BOUNDS}")

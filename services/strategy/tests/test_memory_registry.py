"""The memory registry keeps the registry's contract."""

from __future__ import annotations

import pytest

from tradewire.ports.strategy_registry import StrategyRegistryPort
from tradewire.strategy.adapters.memory_registry import MemoryRegistry, Versions
from tradewire.testkit.registry_suite import RegistrySuite


class TestMemoryRegistry(RegistrySuite):
    """Registries share versions."""

    @pytest.fixture(autouse=True)
    def _versions(self) -> None:
        self.kept: Versions = {}

    async def opened(self) -> StrategyRegistryPort:
        return MemoryRegistry(self.kept)

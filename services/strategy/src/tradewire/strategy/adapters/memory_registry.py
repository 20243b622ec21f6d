"""The strategy registry in memory: for the monolith and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from tradewire.ports.events import ConfigStatus
from tradewire.ports.strategy_registry import StoredVersion, StrategyRegistryPort, VersionConflict, conflict

Versions = dict[tuple[str, int], StoredVersion]


class MemoryRegistry(StrategyRegistryPort):
    """Lasts as long as the process. Parameters: versions: shared with other registries; by default its own."""

    def __init__(self, versions: Versions | None = None) -> None:
        self._versions = versions if versions is not None else {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""

    async def save(self, version: StoredVersion) -> VersionConflict | None:
        key = version.strategy_id, version.version
        if (known := self._versions.get(key)) is not None:
            return conflict(known, version)
        # Through JSON, so that what comes back has the same types whatever keeps it.
        self._versions[key] = replace(version, evidence=orjson.loads(orjson.dumps(dict(version.evidence))))
        return None

    async def get(self, strategy_id: str, version: int) -> StoredVersion | None:
        return self._versions.get((strategy_id, version))

    async def versions(self, strategy_id: str) -> Sequence[StoredVersion]:
        return [self._versions[key] for key in sorted(self._versions) if key[0] == strategy_id]

    async def latest(self) -> Sequence[StoredVersion]:
        return list({key[0]: self._versions[key] for key in sorted(self._versions)}.values())

    async def retire(self, strategy_id: str, at_us: int) -> None:
        for key, known in self._versions.items():
            if key[0] == strategy_id and known.status is ConfigStatus.ACCEPTED:
                self._versions[key] = replace(known, status=ConfigStatus.RETIRED, answered_at_us=at_us)

"""What the registry keeps of an answered version."""

from __future__ import annotations

from tradewire.ports.events import ConfigStatus
from tradewire.runtime.clock import SystemClock
from tradewire.strategy.adapters.memory_registry import MemoryRegistry
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.strategy.examiner import Examiner
from tradewire.strategy.store import RegistryStore
from tradewire.testkit.builders import BTC, STRATEGY, envelope, instrument
from tradewire.testkit.strategies import config, document

EVIDENCE = {"sharpe_out_of_sample": "0.71", "overfitting_probability": "0.12"}


async def test_persist_when_versions_were_answered_then_their_evidence_is_kept_with_them() -> None:
    desk, registry = StrategyDesk(), MemoryRegistry({})
    store = RegistryStore(desk, registry, Examiner(desk, SystemClock()))
    desk.on_instrument(instrument(BTC), envelope(instrument(BTC)))
    await store.acquire([0])
    for version in (config(document(), 1, evidence=EVIDENCE), config(document(), 2)):
        desk.on_config(version, envelope(version))
        list(desk.tick(version.version * 2 * QUIET_US))

    await store.persist([])

    first, second = await registry.versions(STRATEGY)
    assert first.status is ConfigStatus.ACCEPTED
    assert first.evidence == EVIDENCE
    assert second.evidence == {}

"""Which schema ids a command speaks with: the registry's, or those that the running services announced."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tradewire.ports.bus import EventBusPort
from tradewire.ports.errors import FatalError
from tradewire.ports.events import ControlStatusChanged
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import SchemaIds
from tradewire.runtime.codec.announced_ids import announced

REGISTRY_SECONDS = 1.5
"""The registry's time to answer before the services' announcement is taken; all of its time where there is none."""


async def ids_in_use(bus: EventBusPort, registry_url: str | None) -> SchemaIds:
    """The ids to write with and to read by. No command waits for a registry that trading does not wait for.

    Without a registry's address: what the services announced, else the ids of ``contracts/ids.json``.

    Raises: RetryableError and FatalError of the registry, where nobody announced ids of our schemas.
    """
    if registry_url is None:
        return await _announced_ids(bus) or SchemaIds.static()
    asking = asyncio.create_task(SchemaIds.from_registry(registry_url))
    try:
        await asyncio.wait({asking}, timeout=REGISTRY_SECONDS)
        if not asking.done() or asking.exception() is not None:
            ids = await _announced_ids(bus)
            if ids is not None:
                return ids
        return await asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _announced_ids(bus: EventBusPort) -> SchemaIds | None:
    """The newest announcement that has an id for every schema of ours; None when there is none."""
    found: list[dict[int, str]] = []
    async for record in read_to_end(bus, BY_EVENT[ControlStatusChanged].name):
        if (fingerprints := announced(record)) is not None and fingerprints not in found[-1:]:
            found.append(fingerprints)
    for fingerprints in reversed(found):
        with suppress(FatalError):  # of services of another version
            return SchemaIds.announced(fingerprints)
    return None

"""Servers of the user's own: each is asked before anything is started beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import asyncpg

from tradewire.embedded.external import External
from tradewire.embedded.user_settings import shown
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.codec.schema_registry import RegistryClient

ANSWER_SECONDS = 15.0


async def reach(external: External) -> None:
    """Ask every server that is named.

    Raises ValueError for an address that no adapter knows, RetryableError naming the option for one that does not
    answer.
    """
    if external.bus_url is not None:
        bus = connect(external.bus_url, client_id="tradewire-up")
        try:
            await _asked("--bus", shown(external.bus_url), bus.start())
        finally:
            await bus.close()
    if external.registry_url is not None:
        async with RegistryClient(external.registry_url) as registry:
            await _asked("--registry", shown(external.registry_url), registry.subjects())
    for service, dsn in external.dsns.items():
        await _asked(f"--dsn {service}", shown(dsn), _connects(dsn))


async def _connects(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=ANSWER_SECONDS)
    await connection.close()


async def _asked(option: str, address: str, answer: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await answer
    except TimeoutError:
        raise RetryableError(f"{option} {address}: no answer within {ANSWER_SECONDS:g} s") from None
    except (TradewireError, OSError, asyncpg.PostgresError) as error:
        raise RetryableError(f"{option} {address}: {error}") from error

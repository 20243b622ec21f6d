"""An account at a venue that speaks the protocol; a file may have fixtures of its own by these names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from services.execution.tests.binance_venues import venue_with

from tradewire.testkit.binance_account import BinanceAccount
from tradewire.testkit.binance_venue import BinanceVenue


@pytest.fixture
async def venue() -> AsyncIterator[BinanceVenue]:
    found = venue_with(50_000, 50_500, 50_500, 50_500)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def rig(venue: BinanceVenue, tmp_path: Path) -> AsyncIterator[BinanceAccount]:
    found = BinanceAccount(venue, tmp_path)
    await found.read()
    yield found
    await found.close()

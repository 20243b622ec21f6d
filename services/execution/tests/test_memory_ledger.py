"""The memory ledger keeps the ledger's contract."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import LedgerPort
from tradewire.testkit.ledger_suite import LedgerSuite


class TestMemoryLedger(LedgerSuite):
    """Writers share tables."""

    @pytest.fixture(autouse=True)
    def _tables(self) -> None:
        self.tables = LedgerTables()

    async def writer(self) -> LedgerPort:
        return MemoryLedger(self.tables)

    async def stored(self) -> tuple[Sequence[OrderChanged], Sequence[OrderFilled]]:
        orders = sorted(self.tables.orders.values(), key=lambda event: event.client_order_id)
        return orders, sorted(self.tables.fills.values(), key=lambda event: event.venue_trade_id)

"""The rows of ``GET /fapi/v1/income``: funding, commissions, realized PnL, transfers; each once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tradewire.binance.replies import Income
from tradewire.execution.adapters.binance_rest import BinanceRest, read_reply
from tradewire.ports.live_venue import Payment, PaymentPage

ROWS_MAX: Final = 1000
"""Most rows of one reply. Source: Binance docs, "Get Income History"."""
OVERLAP_MS: Final = 60_000
"""Rows appear some time after the moment that they name: what is so new is read again, and told apart by its key."""


class BinancePayments:
    """Follows the rows of one account. ``quote``: the wallet's asset."""

    def __init__(self, rest: BinanceRest, quote: str) -> None:
        self._rest, self._quote = rest, quote

    async def since(self, cursor: str) -> PaymentPage:
        """Rows after the cursor: ``{"ms": time of the newest row, "seen": keys of rows so new that more may come}``."""
        if not cursor:
            return PaymentPage((), json.dumps({"ms": await self._rest.time_us() // 1000, "seen": {}}))
        place: dict[str, Any] = json.loads(cursor)
        seen: dict[str, int] = place["seen"]
        new = await self._new(max(0, place["ms"] - OVERLAP_MS) if seen else place["ms"], seen)
        if not new:
            return PaymentPage((), cursor)
        newest_ms = max(place["ms"], *(row.time_ms for row in new))
        seen |= {_key(row): row.time_ms for row in new}
        kept = {key: time_ms for key, time_ms in seen.items() if time_ms >= newest_ms - OVERLAP_MS}
        return PaymentPage(tuple(map(self._payment, new)), json.dumps({"ms": newest_ms, "seen": kept}))

    async def _new(self, since_ms: int, seen: Mapping[str, int]) -> list[Income]:
        """The first page with rows that were not seen."""
        while True:
            rows = await self._rows(since_ms)
            new = [row for row in rows if _key(row) not in seen]
            if new or len(rows) < ROWS_MAX or rows[-1].time_ms == since_ms:
                return new
            since_ms = rows[-1].time_ms

    async def _rows(self, since_ms: int) -> list[Income]:
        told = await self._rest.ask("GET", "/fapi/v1/income", startTime=since_ms, limit=ROWS_MAX)
        return [read_reply(Income, row) for row in told]

    def _payment(self, row: Income) -> Payment:
        kind = row.income_type if row.asset == self._quote else f"{row.income_type}:{row.asset}"
        return Payment(kind, row.income, row.symbol, row.time_ms * 1000)


def _key(row: Income) -> str:
    """Source: Binance docs: tranId is unique in the same incomeType for a user."""
    return f"{row.income_type}:{row.transaction_id}:{row.trade_id}"

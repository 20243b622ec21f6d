"""One account at a simulated Binance as the desk has it: the order router, its tasks, and what they say to people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.asking import AskPolicy
from tradewire.execution.routed_execution import BrokerLink, RoutedExecution
from tradewire.ports.events import AuditRecorded, OrderFilled, OrderIntent
from tradewire.ports.message import Envelope, Event
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.router_rig import assessed
from tradewire.trading.pending_offsets import PendingOffsets

POLL_SECONDS = 0.001
"""Gives the loop away: what is waited for is the condition, never the time."""


class BinanceAccount:
    """``account``: its shares and orders; ``events``: all messages so far. What it says is stored at once."""

    def __init__(
        self,
        venue: BinanceVenue,
        keys: Path,
        modes: AccountModes | None = None,
        *,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        self.venue, self.events, self._reading = venue, list[Event](), 0
        self.account = ExecutionAccount("live-1", PendingOffsets())
        broker = venue.broker(keys, "live-1", modes)
        hedged = modes is not None and modes.hedged
        link = BrokerLink(broker, AskPolicy(visible_us=0, agreeing=1, settle_us=0), hedged=hedged, live=broker)
        self._routed = RoutedExecution(self.account, link, venue.clock, saved=saved)
        self.execution = self.account.execution = self._routed
        for listing in venue.venue.listings.values():
            self.execution.list_instrument(listing.spec)
        self._numbers = 0

    async def place(self, *intents: OrderIntent, strategy_id: str = "ema-cross", symbol: str = "BTCUSDT") -> None:
        """Hand approved orders on, and wait until the venue has answered."""
        self._numbers += 1
        event = assessed(self._numbers, intents).model_copy(update={"strategy_id": strategy_id, "symbol": symbol})
        cause = Envelope(event_id=event.evaluation_id)
        for intent in intents:
            self.events += [emit.event for emit in self.execution.submit(event, intent, cause, self._numbers)]
        await self.read()

    async def read(self, *, after_s: float = 0) -> None:
        """Time passes; then the account is held against the venue, whatever follows included."""
        if after_s:
            await self.venue.move(self.venue.clock.now_us() + round(after_s * 1e6))
        self._reading += 1
        while not self.execution.has_shown(self._reading, dict) or self.execution.owes:
            await self._wait()
        self._take()

    async def until_said(self, name: str) -> AuditRecorded:
        """Wait for what people are told under a name."""
        while not (found := [event for event in self.incidents() if event.name == name]):
            await self._wait()
        return found[0]

    async def cancel(self, client_order_id: str) -> None:
        """Withdraw an order."""
        self._take()
        self.execution.cancel(client_order_id, Envelope(event_id="cancel"), self._numbers)
        await self.read()

    def positions(self) -> dict[str, Decimal]:
        """Our records, by place."""
        book = self._routed.saved()["book"]
        return {place: Decimal(qty) for place, qty in book["positions"].items()}

    def incidents(self) -> list[AuditRecorded]:
        """What people were told."""
        return [event for event in self.events if isinstance(event, AuditRecorded)]

    def fills(self) -> list[OrderFilled]:
        """What was booked."""
        return [event for event in self.events if isinstance(event, OrderFilled)]

    async def close(self) -> None:
        """End its tasks."""
        self.execution.close()
        await self._routed.ended()

    async def _wait(self) -> None:
        """Take what is there, and let time pass by which the router's next try is due."""
        self._take()
        await asyncio.sleep(POLL_SECONDS)
        self.venue.clock.advance(seconds=POLL_SECONDS)

    def _take(self) -> None:
        self.events += [emit.event for emit in self.execution.reports()]
        self._routed.stored()

"""When to ask the venue about an order, and when to believe that it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tradewire.execution.domain.live_order import LiveOrder

NOT_FOUND: Final = "NOT_FOUND"
"""Reason of an order that the venue never had, as far as it can be asked."""
NOT_SENT: Final = "NOT_SENT"
"""Reason of an order that could not be sent, or was withdrawn before it could."""
STALE: Final = "STALE"
"""Reason of a second write before an order is sent: since the first, another process may have taken the account."""
RESTARTED: Final = "RESTARTED"
"""Reason of an order that a process before this one may or may not have sent."""


@dataclass(frozen=True, slots=True)
class AskPolicy:
    """Bounds of every loop towards the venue; times in µs.

    ``visible_us``: an order that was sent longer ago than this is shown by queries, or never will be. Binance refuses
    a request that arrives later than ``recvWindow`` (at most 5 s for orders) after its timestamp; the rest is for its
    own replication. ``agreeing``: answers in a row that must say "no such order". ``sends_max``: times that an order
    is sent which the venue surely never had. ``tries_max``: times that a request is made which surely never left, but
    for what only reduces. ``settle_us``: until a difference is looked at again. ``fresh_us``: from when we were
    known to own the account until an order leaves. ``cancel_us``: how long a cancel, or sending what opens, is tried.
    ``price_holds``: the market stands still until an order has arrived, so that an entry is as good later.
    """

    first_us: int = 200_000
    longest_us: int = 30_000_000
    visible_us: int = 15_000_000
    agreeing: int = 3
    sends_max: int = 2
    tries_max: int = 5
    cancel_us: int = 30_000_000
    reconcile_us: int = 60_000_000
    settle_us: int = 1_000_000
    fresh_us: int = 3_000_000
    price_holds: bool = False

    def delay_us(self, attempt: int, jitter: float) -> int:
        """Wait before the next try: doubling, bounded, jittered to between a half and all. ``jitter``: 0 ≤ j < 1.

        Source: Brooker (2015), "Exponential Backoff And Jitter", AWS Architecture Blog ("equal jitter").
        """
        bound_us = min(self.longest_us, self.first_us << min(attempt, 20))
        return bound_us // 2 + int(bound_us // 2 * jitter)

    def is_missing(self, order: LiveOrder, *, answers: int, time_us: int) -> bool:
        """Do ``answers`` in a row of "no such order" prove that the venue never had it?"""
        return answers >= self.agreeing and time_us - order.sent_us >= self.visible_us

    def gives_up(self, order: LiveOrder, attempts: int, *, age_us: int) -> bool:
        """Was an order tried often and long enough that surely never left? A guard is tried on: it has a position."""
        return (attempts >= self.tries_max or age_us > self.cancel_us) and (
            order.intent is None or not order.intent.reduce_only
        )

    def may_send_again(self, order: LiveOrder) -> bool:
        """Is an order that the venue surely never had still wanted?

        Only one that reduces: it guards a position, and a guard is wanted at any price. An entry was approved at a
        price that is gone; the next bar decides anew. It goes out under the same id, so should the first turn up
        after all, the venue refuses the second.
        """
        return (
            order.intent is not None
            and (order.intent.reduce_only or self.price_holds)
            and not order.cancel_wanted
            and order.sends < self.sends_max
        )


IN_EVENT_TIME: Final = AskPolicy(visible_us=0, agreeing=1, sends_max=1_000_000, price_holds=True, fresh_us=2**60)
"""For a broker in the same process, which shows at once what it has and moves only with the account's own bars."""


@dataclass(slots=True)
class Ask:
    """An order's place in the queue: ``due_us`` when it is attended to; ``missing``: "no such order" in a row."""

    due_us: int
    attempts: int = 0
    missing: int = 0

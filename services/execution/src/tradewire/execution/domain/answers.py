"""What a venue's answer to a sent order makes of it."""

from __future__ import annotations

from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.order_life import Happening
from tradewire.ports.broker import Accepted, Rejected, Unknown


def take_answer(
    account: LiveAccount, client_order_id: str, answer: Accepted | Rejected | Unknown, time_us: int
) -> None:
    """The order is at the venue, surely not, or nobody knows."""
    account.may_have_been_sent(client_order_id, time_us)
    match answer:
        case Accepted(venue_order_id):
            account.apply(client_order_id, Happening.ACCEPT, time_us, venue_order_id=venue_order_id)
        case Rejected(reason, detail):
            account.apply(client_order_id, Happening.REJECT, time_us, reason=f"{reason} {detail}".rstrip())
        case Unknown(why):
            account.apply(client_order_id, Happening.LOSE, time_us, reason=why)

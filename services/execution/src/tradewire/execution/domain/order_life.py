"""The life of an order at a live venue: every status, everything that can happen to it, and what then follows.

What we do is refused where it makes no sense. What the venue reports is never refused, however late or odd: the
money is real. So every fill is booked, in every status. A fill may come before the acknowledgement and after a
cancel; the rest that was canceled stays canceled.
Source: NautilusTrader, docs/concepts/execution.md and orders FSM, for fills before acceptance, fills after an end,
overfills and duplicate trade ids; the statuses are FIX 4.4 OrdStatus (39) plus UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from tradewire.ports.events import OrderStatus


class Happening(StrEnum):
    """What can happen to an order. The first five are ours, the others the venue's."""

    DENY = "DENY"
    SUBMIT = "SUBMIT"
    RESUBMIT = "RESUBMIT"
    REQUEST_CANCEL = "REQUEST_CANCEL"
    GIVE_UP_CANCEL = "GIVE_UP_CANCEL"
    LOSE = "LOSE"
    """The answer to a request of ours was lost."""
    MISS = "MISS"
    """The venue has no such order, and that is believed."""
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    TRIGGER = "TRIGGER"
    FILL_PART = "FILL_PART"
    FILL_ALL = "FILL_ALL"
    COMPLETE = "COMPLETE"
    """The venue calls it filled, though for less than we asked: a reduce-only order was cut to the position."""
    CANCEL = "CANCEL"
    CANCEL_REFUSED = "CANCEL_REFUSED"
    """The venue has nothing to cancel: the order ended or was never there."""
    EXPIRE = "EXPIRE"


class Effect(StrEnum):
    """What follows, beside the new status."""

    BOOK = "BOOK"
    """The fill goes into the ledger and the position."""
    ASK = "ASK"
    """The venue must be asked how the order stands."""
    SEND_CANCEL = "SEND_CANCEL"
    REPORT = "REPORT"
    """This should not happen: an incident for people."""


class Transition(NamedTuple):
    """Where an order goes and what follows."""

    status: OrderStatus
    effects: frozenset[Effect] = frozenset()


class RefusedMoveError(ValueError):
    """We asked of an order what its status does not allow."""


_S, _H = OrderStatus, Happening
OURS: Final = frozenset({_H.DENY, _H.SUBMIT, _H.RESUBMIT, _H.REQUEST_CANCEL, _H.GIVE_UP_CANCEL})
"""Happenings that may be refused."""
OPEN: Final = frozenset({_S.ACCEPTED, _S.TRIGGERED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL})
"""Statuses in which the venue is known to have the order at work."""
FINAL: Final = frozenset({_S.DENIED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED})
"""Statuses in which nothing more is expected."""

_BOOK, _ASK, _REPORT = frozenset({Effect.BOOK}), frozenset({Effect.ASK}), frozenset({Effect.REPORT})
_CHANCE: Final[Mapping[Happening, Transition]] = {
    _H.ACCEPT: Transition(_S.ACCEPTED),
    _H.REJECT: Transition(_S.REJECTED),
    _H.TRIGGER: Transition(_S.TRIGGERED),
    _H.FILL_PART: Transition(_S.PARTIALLY_FILLED, _BOOK),
    _H.FILL_ALL: Transition(_S.FILLED, _BOOK),
    _H.COMPLETE: Transition(_S.FILLED),
    _H.CANCEL: Transition(_S.CANCELED),
    _H.EXPIRE: Transition(_S.EXPIRED),
}
"""What the venue may make of an order that is under way."""


def _stays(status: OrderStatus) -> dict[Happening, Transition]:
    """Every report of the venue that adds nothing."""
    return {happening: Transition(status) for happening in _H if happening not in OURS}


def _under_way(status: OrderStatus) -> dict[Happening, Transition]:
    """Sent, and not known to be at the venue."""
    return {
        **_stays(status),
        **_CHANCE,
        _H.LOSE: Transition(_S.UNKNOWN, _ASK),
        _H.MISS: Transition(_S.REJECTED),
        _H.CANCEL_REFUSED: Transition(_S.UNKNOWN, _ASK),
        _H.REQUEST_CANCEL: Transition(status),  # the wish is kept with the order and sent once the venue has it
    }


def _open(status: OrderStatus) -> dict[Happening, Transition]:
    """At work. A lost or repeated answer says nothing that isn't known; a vanished order has ended unseen."""
    return {
        **_stays(status),
        **_CHANCE,
        _H.ACCEPT: Transition(status),
        _H.MISS: Transition(_S.EXPIRED, _REPORT),
        _H.CANCEL_REFUSED: Transition(status, _ASK),
        _H.REQUEST_CANCEL: Transition(_S.PENDING_CANCEL, frozenset({Effect.SEND_CANCEL})),
    }


def _ended(status: OrderStatus) -> dict[Happening, Transition]:
    """Over, with something done or withdrawn: late fills are booked, all else is an echo."""
    return {
        **_stays(status),
        _H.FILL_PART: Transition(status, _BOOK | _REPORT),
        _H.FILL_ALL: Transition(_S.FILLED, _BOOK | _REPORT),
        _H.REQUEST_CANCEL: Transition(status),
    }


def _never_there(status: OrderStatus) -> dict[Happening, Transition]:
    """Held to be unknown to the venue. If it turns up there after all, the venue is right."""
    moves = _stays(status)
    moves |= {h: Transition(to.status, to.effects | _REPORT) for h, to in _CHANCE.items() if h is not Happening.REJECT}
    return moves | {Happening.REQUEST_CANCEL: Transition(status)}


_TABLE: Final[dict[OrderStatus, dict[Happening, Transition]]] = {
    _S.INITIALIZED: _never_there(_S.INITIALIZED)
    | {
        _H.DENY: Transition(_S.DENIED),
        _H.SUBMIT: Transition(_S.SUBMITTED),
        _H.REQUEST_CANCEL: Transition(_S.CANCELED),
    },
    _S.SUBMITTED: _under_way(_S.SUBMITTED) | {_H.RESUBMIT: Transition(_S.SUBMITTED)},
    _S.UNKNOWN: _under_way(_S.UNKNOWN) | {_H.RESUBMIT: Transition(_S.SUBMITTED)},
    _S.ACCEPTED: _open(_S.ACCEPTED),
    _S.TRIGGERED: _open(_S.TRIGGERED),
    _S.PARTIALLY_FILLED: _open(_S.PARTIALLY_FILLED)
    | {_H.TRIGGER: Transition(_S.PARTIALLY_FILLED), _H.REJECT: Transition(_S.EXPIRED)},
    _S.PENDING_CANCEL: _open(_S.PENDING_CANCEL)
    | {
        _H.TRIGGER: Transition(_S.PENDING_CANCEL),
        _H.FILL_PART: Transition(_S.PENDING_CANCEL, _BOOK),
        _H.REQUEST_CANCEL: Transition(_S.PENDING_CANCEL, frozenset({Effect.SEND_CANCEL})),
        _H.LOSE: Transition(_S.PENDING_CANCEL, _ASK),
        _H.MISS: Transition(_S.CANCELED, _REPORT),
        _H.GIVE_UP_CANCEL: Transition(_S.ACCEPTED, _REPORT),
    },
    _S.FILLED: _ended(_S.FILLED),
    _S.CANCELED: _ended(_S.CANCELED),
    _S.EXPIRED: _ended(_S.EXPIRED),
    _S.DENIED: _never_there(_S.DENIED),
    _S.REJECTED: _never_there(_S.REJECTED),
}
TABLE: Final[Mapping[OrderStatus, Mapping[Happening, Transition]]] = MappingProxyType(_TABLE)
"""Every allowed pair; what is not listed is refused."""


def move(status: OrderStatus, happening: Happening, *, filled: Decimal = Decimal(0)) -> Transition:
    """What ``happening`` makes of an order. ``filled``: base, before it.

    With fills, an open order is PARTIALLY_FILLED and one that the venue gives up on is EXPIRED.

    Raises: RefusedMoveError for a pair that is not in the table.
    """
    found = TABLE[status].get(happening)
    if found is None:
        raise RefusedMoveError(f"{happening} is not allowed of an order that is {status}")
    if filled and found.status in (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED):
        return Transition(OrderStatus.PARTIALLY_FILLED, found.effects)
    if filled and found.status is OrderStatus.REJECTED:
        return Transition(OrderStatus.EXPIRED, found.effects)
    return found

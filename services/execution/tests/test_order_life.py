"""The table of the order's life: every status with everything that can happen to it."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from tradewire.execution.domain.order_life import FINAL, OPEN, OURS, TABLE, Effect, Happening, RefusedMoveError, move
from tradewire.ports.events import OrderStatus

S, H = OrderStatus, Happening

EXPECTED = """
                 DENY SUBMIT RESUBMIT REQUEST_CANCEL GIVE_UP_CANCEL LOSE MISS ACCEPT REJECT TRIGGER FILL_PART FILL_ALL COMPLETE CANCEL CANCEL_REFUSED EXPIRE
INITIALIZED      DENIED SUBMITTED -  CANCELED        -              INITIALIZED INITIALIZED ACCEPTED!  INITIALIZED TRIGGERED! PARTIALLY_FILLED$! FILLED$! FILLED! CANCELED! INITIALIZED EXPIRED!
DENIED           -    -      -        DENIED         -              DENIED DENIED ACCEPTED! DENIED TRIGGERED! PARTIALLY_FILLED$! FILLED$! FILLED! CANCELED! DENIED EXPIRED!
SUBMITTED        -    -      SUBMITTED SUBMITTED     -              UNKNOWN? REJECTED ACCEPTED REJECTED TRIGGERED PARTIALLY_FILLED$ FILLED$ FILLED CANCELED UNKNOWN? EXPIRED
UNKNOWN          -    -      SUBMITTED UNKNOWN       -              UNKNOWN? REJECTED ACCEPTED REJECTED TRIGGERED PARTIALLY_FILLED$ FILLED$ FILLED CANCELED UNKNOWN? EXPIRED
ACCEPTED         -    -      -        PENDING_CANCEL> -             ACCEPTED EXPIRED! ACCEPTED REJECTED TRIGGERED PARTIALLY_FILLED$ FILLED$ FILLED CANCELED ACCEPTED? EXPIRED
TRIGGERED        -    -      -        PENDING_CANCEL> -             TRIGGERED EXPIRED! TRIGGERED REJECTED TRIGGERED PARTIALLY_FILLED$ FILLED$ FILLED CANCELED TRIGGERED? EXPIRED
PARTIALLY_FILLED -    -      -        PENDING_CANCEL> -             PARTIALLY_FILLED EXPIRED! PARTIALLY_FILLED EXPIRED PARTIALLY_FILLED PARTIALLY_FILLED$ FILLED$ FILLED CANCELED PARTIALLY_FILLED? EXPIRED
PENDING_CANCEL   -    -      -        PENDING_CANCEL> ACCEPTED!     PENDING_CANCEL? CANCELED! PENDING_CANCEL REJECTED PENDING_CANCEL PENDING_CANCEL$ FILLED$ FILLED CANCELED PENDING_CANCEL? EXPIRED
FILLED           -    -      -        FILLED         -              FILLED FILLED FILLED FILLED FILLED FILLED$! FILLED$! FILLED FILLED FILLED FILLED
CANCELED         -    -      -        CANCELED       -              CANCELED CANCELED CANCELED CANCELED CANCELED CANCELED$! FILLED$! CANCELED CANCELED CANCELED CANCELED
EXPIRED          -    -      -        EXPIRED        -              EXPIRED EXPIRED EXPIRED EXPIRED EXPIRED EXPIRED$! FILLED$! EXPIRED EXPIRED EXPIRED EXPIRED
REJECTED         -    -      -        REJECTED       -              REJECTED REJECTED ACCEPTED! REJECTED TRIGGERED! PARTIALLY_FILLED$! FILLED$! FILLED! CANCELED! REJECTED EXPIRED!
"""  # noqa: E501  # a table is read across
"""Rows: status; columns: happening; cell: new status with $ book, ? ask, > send cancel, ! report; - refused."""

MARKS = {"$": Effect.BOOK, "?": Effect.ASK, ">": Effect.SEND_CANCEL, "!": Effect.REPORT}


def _cells() -> dict[tuple[OrderStatus, Happening], str]:
    head, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    return {(S(status), H(name)): cell for status, *cells in rows for name, cell in zip(head, cells, strict=True)}


CELLS = _cells()


def test_every_pair_is_written_down() -> None:
    assert set(CELLS) == set(product(S, H))


@pytest.mark.parametrize(("status", "happening"), list(product(S, H)), ids=lambda item: str(item))
def test_move_when_pair_then_as_written(status: OrderStatus, happening: Happening) -> None:
    cell = CELLS[status, happening]
    if cell == "-":
        with pytest.raises(RefusedMoveError, match=f"{happening} is not allowed of an order that is {status}"):
            move(status, happening)
        return
    to = move(status, happening)
    assert to.status is S(cell.rstrip("$?>!"))
    assert to.effects == {MARKS[mark] for mark in cell[len(to.status) :]}


def test_the_venue_is_never_refused_and_every_fill_is_booked() -> None:
    for status, happening in product(S, set(H) - OURS):
        to = TABLE[status][happening]
        assert (Effect.BOOK in to.effects) == (happening in (H.FILL_PART, H.FILL_ALL))


def test_what_ended_at_the_venue_never_opens_again() -> None:
    for status, happening in product({S.FILLED, S.CANCELED, S.EXPIRED}, H):
        if happening in TABLE[status]:
            assert TABLE[status][happening].status in FINAL


def test_no_answer_alone_never_ends_an_order() -> None:
    for status in OPEN | {S.SUBMITTED, S.UNKNOWN}:
        assert TABLE[status][H.LOSE].status not in FINAL


@pytest.mark.parametrize("status", sorted(OPEN | {S.UNKNOWN, S.SUBMITTED}))
def test_move_when_it_has_fills_then_open_is_partially_filled_and_refused_is_expired(status: OrderStatus) -> None:
    assert move(status, H.ACCEPT, filled=Decimal(1)).status in (S.PARTIALLY_FILLED, S.PENDING_CANCEL)
    assert move(status, H.REJECT, filled=Decimal(1)).status is S.EXPIRED

"""Answers about dead letters: records that a service could not handle. Null: the letter does not say it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from tradewire.ports.telemetry import PAGE_MAX


class LetterState(StrEnum):
    """What became of it. WAITS: nobody has handled it, or it failed again; HANDLED: an operator had it replayed;
    GIVEN_UP: an operator had it passed over for good."""

    WAITS = "WAITS"
    HANDLED = "HANDLED"
    GIVEN_UP = "GIVEN_UP"


class DeadLetterView(BaseModel):
    """One record that a service could not handle, where it is from, why, and what an operator can do.

    ``letter``: partition and offset in the service's dead-letter topic; ``partition``, ``offset``: of the record in
    ``topic``; ``event_time_us``: of the record; ``stage``: decode, validate, handle, publish, or parked for a record
    that waits behind another letter of its key; ``reason``: as of the last time that it was tried; ``parks_key``: later
    records of its key wait behind it; ``waiting_of_key``: letters of the key that wait, this one among them;
    ``replay``, ``give_up``: what each would do now, null where it can do nothing; ``not_replayable``: why it can only
    be given up.
    """

    service: str = Field(examples=["risk"])
    letter: str = Field(examples=["3/17"])
    written_us: int
    topic: str = Field(examples=["strategy.evaluation.v1"])
    partition: int | None
    offset: int | None
    key: str = Field(examples=["paper-1"])
    event_id: str | None
    event_time_us: int | None
    trace_id: str | None
    stage: str = Field(examples=["handle"])
    error_type: str | None = Field(examples=["ContractViolationError"])
    reason: str
    failed_again: bool
    state: LetterState
    parks_key: bool
    waiting_of_key: int
    replay: str | None
    give_up: str | None
    not_replayable: str | None


class DeadLettersView(BaseModel):
    """A page of dead letters, newest first.

    ``waiting``: letters that wait, of all services; ``parked_keys``: keys whose later records wait; ``is_complete``:
    false where older letters are kept in the topics than are looked at here; ``next``: give it as ``after``.
    """

    items: list[DeadLetterView]
    next: str | None
    asked_us: int
    waiting: int
    parked_keys: int
    is_complete: bool


class DeadLetterSelection(BaseModel):
    """Which letters: those that match all that is given."""

    service: Annotated[str | None, Field(description="The service that could not handle it.", examples=["risk"])] = None
    topic: Annotated[
        str | None, Field(description="Where the record is from.", examples=["strategy.evaluation.v1"])
    ] = None
    state: Annotated[LetterState | None, Field(description="What became of it.")] = None
    key: Annotated[str | None, Field(description="Record key, e.g. an account.", examples=["paper-1"])] = None
    behind: Annotated[
        bool, Field(description="False: without those that only wait behind another letter of their key.")
    ] = True
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX, description="Letters per page.")] = 100
    after: Annotated[str | None, Field(description="`next` of the page before.")] = None

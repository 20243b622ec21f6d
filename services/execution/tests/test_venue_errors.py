"""What a venue's failure is taken to mean."""

from __future__ import annotations

import pytest

from tradewire.execution.domain.venue_errors import VenueFailure, outcome
from tradewire.ports.broker import ALREADY_THERE, NotFound, Rejected, Unknown
from tradewire.ports.errors import FatalError, RetryableError


@pytest.mark.parametrize(
    "failure",
    [
        VenueFailure(),
        VenueFailure(503, message="Unknown error, please check your request or try again later."),
        VenueFailure(504),
        VenueFailure(500, -1000),
        VenueFailure(400, -1007),
        VenueFailure(408, -1007),
        VenueFailure(400, -1006),
        VenueFailure(403),
        VenueFailure(200, message="not JSON"),
    ],
)
def test_outcome_when_nobody_knows_then_unknown_and_never_rejected(failure: VenueFailure) -> None:
    assert isinstance(outcome(failure), Unknown)


def test_outcome_when_id_is_taken_then_already_there() -> None:
    assert outcome(VenueFailure(400, -4116)) == Unknown(ALREADY_THERE)


@pytest.mark.parametrize("code", [-2011, -2013])
def test_outcome_when_no_such_order_then_not_found(code: int) -> None:
    assert outcome(VenueFailure(400, code)) == NotFound()


def test_outcome_when_venue_refuses_then_rejected_with_its_code() -> None:
    assert outcome(VenueFailure(400, -2019, "Margin is insufficient.")) == Rejected("-2019", "Margin is insufficient.")


@pytest.mark.parametrize(
    "failure",
    [
        VenueFailure(sent=False),
        VenueFailure(429),
        VenueFailure(418, -1003),
        VenueFailure(400, -1015),
        VenueFailure(503, -1008),
    ],
)
def test_outcome_when_surely_without_effect_then_retryable(failure: VenueFailure) -> None:
    with pytest.raises(RetryableError):
        outcome(failure)


@pytest.mark.parametrize("failure", [VenueFailure(401, -2015), VenueFailure(400, -1022)])
def test_outcome_when_no_call_can_succeed_then_fatal(failure: VenueFailure) -> None:
    with pytest.raises(FatalError):
        outcome(failure)

"""What the driver raises on a lost connection, in the project's words."""

from __future__ import annotations

import asyncpg
import pytest

from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.runtime.stores.postgres import translated


@pytest.mark.parametrize(
    "raised",
    [
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        ConnectionResetError("peer"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_connection_that_ended_in_between_may_be_asked_again(raised: Exception) -> None:
    with pytest.raises(RetryableError, match="committing"), translated("committing"):
        raise raised


def test_value_that_cannot_be_written_is_a_contract_violation_at_persist() -> None:
    with pytest.raises(ContractViolationError, match="committing") as refused, translated("committing"):
        raise asyncpg.DataError("invalid input for query argument $1")
    assert refused.value.stage == "persist"

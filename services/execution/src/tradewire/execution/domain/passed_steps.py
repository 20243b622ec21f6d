"""Steps that an account has gone past: nobody would place their orders any more."""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.following import Following
from tradewire.execution.domain.reports import denied
from tradewire.ports.message import Emit


def deny_passed(account: ExecutionAccount, following: Following) -> Iterator[Emit]:
    """Take steps that the account has gone past out of its buffer, and deny their orders."""
    while account.assessments:
        time_us, step = next(iter(account.assessments.items()))
        if not following.is_past(account, next(iter(step.values())).event):
            return
        for assessed in account.take_step(time_us):
            yield from denied(account, assessed)

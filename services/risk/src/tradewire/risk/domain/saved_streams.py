"""Streams and account states of a saved account, taken as what they must be, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewire.ports.checks import check_account_state_changed
from tradewire.ports.events import AccountStateChanged
from tradewire.risk.domain.saved_values import saved_int, saved_text
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.roster import Stream


def saved_streams(saved: list[Any]) -> Iterator[Stream]:
    """The stream of a saved row; of one that was saved without its interval, those of any interval."""
    strategy_id, symbol, *interval_us = saved
    for length_us in map(saved_int, interval_us or INTERVALS_US.values()):
        yield Stream(saved_text(strategy_id), saved_text(symbol), length_us)


def saved_state(account_id: str, saved: str) -> AccountStateChanged:
    """Raises ValueError for what is no state of the account."""
    state = AccountStateChanged.model_validate_json(saved)
    check_account_state_changed(state)
    if state.account_id != account_id:
        raise ValueError(f"state of {state.account_id!r} in that of {account_id!r}")
    return state

"""The views over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from tradewire.telemetry.adapters.api.models import Money
from tradewire.telemetry.domain.rolling import rolling_accounts, rolling_legs
from tradewire.telemetry.domain.windows import Windows

Count = Annotated[int, Query(ge=1, description="Newest windows of event time to look at.")]


class AccountRolling(BaseModel):
    """An account over [from_us, to_us): see tradewire.telemetry.domain.rolling for each figure."""

    account_id: str
    from_us: int
    to_us: int
    pnl: Money
    equity: Money
    high: Money
    low: Money
    drawdown_ratio: float
    worst_drawdown_ratio: float
    events_per_hour: float


class LegRolling(BaseModel):
    """A strategy's fills in a symbol on an account over [from_us, to_us)."""

    account_id: str
    strategy_id: str
    symbol: str
    from_us: int
    to_us: int
    fills: int
    realized_pnl: Money
    fees: Money
    notional: Money
    fills_per_hour: float
    saturated: bool


class WindowView(BaseModel):
    """Equity within one window, quote."""

    start_us: int
    low: Money
    high: Money
    first_equity: Money
    last_equity: Money
    first_sequence: int
    last_sequence: int


class ViewRoutes:
    """Routes that answer from the windows."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self.router = APIRouter(prefix="/api/v1/views", tags=["views"])
        self.router.get("/accounts", summary="Rolling PnL and drawdown")(self.accounts)
        self.router.get("/accounts/{account_id}/windows", summary="Windows of an account")(self.account_windows)
        self.router.get("/legs", summary="Rolling fills per strategy and symbol")(self.legs)

    async def accounts(self, windows: Count = 24, account_id: str | None = None) -> list[AccountRolling]:
        """Each account over its newest windows."""
        found = rolling_accounts(self._windows, windows)
        return [AccountRolling(**asdict(view)) for view in found if account_id in (None, view.account_id)]

    async def account_windows(self, account_id: str) -> list[WindowView]:
        """By rising time; empty for an account that is unknown."""
        known = self._windows.accounts.get(account_id, {})
        return [WindowView(start_us=start, **asdict(window)) for start, window in sorted(known.items())]

    async def legs(
        self,
        windows: Count = 24,
        account_id: str | None = None,
        strategy_id: str | None = None,
        symbol: str | None = None,
    ) -> list[LegRolling]:
        """Each strategy's fills per symbol over the account's newest windows."""
        return [
            LegRolling(**asdict(view))
            for view in rolling_legs(self._windows, windows)
            if account_id in (None, view.account_id)
            and strategy_id in (None, view.strategy_id)
            and symbol in (None, view.symbol)
        ]

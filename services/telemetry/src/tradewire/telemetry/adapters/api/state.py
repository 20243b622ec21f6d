"""Accounts, positions, orders, fills, evaluations, assessments, strategies: from the books, without a database."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from tradewire.ports.events import (
    AuditRecorded,
    ControlChanged,
    GapDetected,
    InstrumentChanged,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    RiskLimitsChanged,
    StrategyEvaluated,
)
from tradewire.telemetry.adapters.api.examples import UNKNOWN, answers
from tradewire.telemetry.adapters.api.models import (
    AccountView,
    ControlsView,
    CurvePoint,
    CurveView,
    DecisionSelection,
    EvaluationSelection,
    Item,
    OrderSelection,
    Page,
    Plain,
    PositionView,
    Selection,
    Span,
    StrategyView,
)
from tradewire.telemetry.adapters.api.paging import item, page
from tradewire.telemetry.adapters.api.views import account_view, control_views, position_views, strategy_view
from tradewire.telemetry.domain.account import AccountBook
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.curve import POINTS_MAX, thinned

ENDED = frozenset(
    {OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)
"""Orders that will not fill any more."""

Points = Annotated[int, Query(ge=4, le=POINTS_MAX, description="Most points; lows and highs are kept.")]


class StateRoutes:
    """Routes that answer from the books."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.router = APIRouter(tags=["state"])
        get = self.router.get
        get("/accounts", summary="All accounts", responses=answers("accounts"))(self.accounts)
        get("/accounts/{account_id}", summary="One account", responses=answers("account") | UNKNOWN)(self.account)
        get("/accounts/{account_id}/equity", summary="Equity curve", responses=answers("equity") | UNKNOWN)(self.equity)
        get("/positions", summary="Open positions", responses=answers("positions"))(self.positions)
        get("/orders", summary="Orders, newest first", responses=answers("orders"))(self.orders)
        get("/orders/{client_order_id}", summary="One order", responses=UNKNOWN)(self.order)
        get("/fills", summary="Fills, newest first", responses=answers("fills"))(self.fills)
        get("/evaluations", summary="What strategies saw and said", responses=answers("evaluations"))(self.evaluations)
        get("/assessments", summary="Risk's answers, refusals too", responses=answers("assessments"))(self.assessments)
        get("/strategies", summary="Strategies and their state", responses=answers("strategies"))(self.strategies)
        get("/controls", summary="Kill-switch levels and who obeys them", responses=answers("controls"))(self.controls)
        get("/controls/history", summary="Kill-switch levels, newest first", responses=answers("history"))(
            self.controls_history
        )
        get("/instruments", summary="Instruments and their rules", responses=answers("instruments"))(self.instruments)
        get("/limits", summary="Risk limits in force")(self.limits)
        get("/gaps", summary="Faults in market streams")(self.gaps)
        get("/audits", summary="Audit events of the services")(self.audits)

    async def accounts(self) -> list[AccountView]:
        """Every account that has a state."""
        return [account_view(book) for book in self._by_name() if book.state is not None]

    async def account(self, account_id: str) -> AccountView:
        """The account as of its newest state."""
        return account_view(self._known(account_id))

    async def equity(
        self, account_id: str, points: Points = 500, from_us: int | None = None, to_us: int | None = None
    ) -> CurveView:
        """Equity, realized PnL and drawdown by event time."""
        whole = self._known(account_id).curve.between(from_us, to_us)
        shown = thinned(whole, points)
        return CurveView(
            account_id=account_id,
            thinned=len(shown) < len(whole),
            points=[CurvePoint(**point._asdict()) for point in shown],
        )

    async def positions(self, account_id: str | None = None, symbol: str | None = None) -> list[PositionView]:
        """Non-zero positions at their marks."""
        return [
            view
            for book in self._by_name()
            if account_id in (None, book.account_id)
            for view in position_views(book)
            if symbol in (None, view.symbol)
        ]

    async def orders(self, chosen: Annotated[OrderSelection, Query()]) -> Page[OrderChanged]:
        """The newest transition of each order."""

        def fits(event: OrderChanged) -> bool:
            return chosen.status in (None, event.status) and chosen.working in (None, event.status not in ENDED)

        return page(self._books.orders.values(), chosen, fits)

    async def order(self, client_order_id: str) -> Item[OrderChanged]:
        """The order's newest transition; the log has all of them."""
        seen = self._books.orders.get(client_order_id)
        if seen is None:
            raise HTTPException(404, f"order {client_order_id} is not in memory; the log may have it")
        return item(seen)

    async def fills(self, chosen: Annotated[Selection, Query()]) -> Page[OrderFilled]:
        """Fills."""
        return page(self._books.fills, chosen)

    async def evaluations(self, chosen: Annotated[EvaluationSelection, Query()]) -> Page[StrategyEvaluated]:
        """Why there was a trade, or none: rules, indicator values seen and version."""
        return page(self._books.evaluations, chosen, lambda event: chosen.signal in (None, event.signal))

    async def assessments(self, chosen: Annotated[DecisionSelection, Query()]) -> Page[RiskAssessed]:
        """Every rule judged, with its number and limit."""

        def fits(event: RiskAssessed) -> bool:
            failed = {outcome.rule for outcome in event.rules if not outcome.passed}
            return chosen.decision in (None, event.decision) and (chosen.rule is None or chosen.rule in failed)

        return page(self._books.assessments, chosen, fits)

    async def strategies(self) -> list[StrategyView]:
        """Published strategies and those in force."""
        names = sorted(self._books.configs.keys() | self._books.statuses.keys())
        return [strategy_view(self._books, name) for name in names]

    async def controls(self) -> list[ControlsView]:
        """What each instance in charge obeys."""
        return control_views(self._books)

    async def controls_history(self, chosen: Annotated[Span, Query()]) -> Page[ControlChanged]:
        """Who set which level for which scope, when and why. The topic is compacted: of what is older than a week it
        keeps the newest of each scope, and so does this after a start."""
        return page(self._books.controls, chosen)

    async def instruments(self, venue: str | None = None, symbol: str | None = None) -> list[Plain[InstrumentChanged]]:
        """What may be traded in which steps: tick (quote per base), step (base), fees and brackets (ratios)."""
        return [
            instrument
            for key, instrument in sorted(self._books.instruments.items())
            if venue in (None, key[0]) and symbol in (None, key[1])
        ]

    async def limits(self) -> list[Plain[RiskLimitsChanged]]:
        """What risk obeys, by account."""
        return [limits for _, limits in sorted(self._books.limits.items())]

    async def gaps(self, chosen: Annotated[Selection, Query()]) -> Page[GapDetected]:
        """Missing, doubled, late and impossible bars."""
        return page(self._books.gaps, chosen)

    async def audits(self, chosen: Annotated[Selection, Query()]) -> Page[AuditRecorded]:
        """What services thought worth telling."""
        return page(self._books.audits, chosen)

    def _by_name(self) -> list[AccountBook]:
        return [self._books.accounts[name] for name in sorted(self._books.accounts)]

    def _known(self, account_id: str) -> AccountBook:
        book = self._books.accounts.get(account_id)
        if book is None or book.state is None:
            known = ", ".join(b.account_id for b in self._by_name() if b.state is not None) or "none"
            raise HTTPException(404, f"account {account_id} is unknown; known: {known}")
        return book

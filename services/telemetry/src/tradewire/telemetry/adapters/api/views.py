"""Books as answers."""

from __future__ import annotations

from tradewire.ports.events import ControlStatusChanged
from tradewire.telemetry.adapters.api.models import (
    AccountView,
    ControlsView,
    PositionView,
    StrategyResult,
    StrategyView,
)
from tradewire.telemetry.domain.account import AccountBook
from tradewire.telemetry.domain.books import Books


def account_view(book: AccountBook) -> AccountView:
    """An account that has a state."""
    state = book.state
    assert state is not None and book.peak_equity is not None, "asked for an account without a state"  # noqa: PT018
    return AccountView(
        account_id=book.account_id,
        as_of_us=state.event_time_us,
        sequence=state.sequence,
        equity=state.equity,
        wallet_balance=state.wallet_balance,
        unrealized_pnl=state.unrealized_pnl,
        realized_pnl=state.realized_pnl,
        fees_paid=state.fees_paid,
        funding_paid=state.funding_paid,
        initial_margin=state.initial_margin,
        maintenance_margin=state.maintenance_margin,
        peak_equity=book.peak_equity,
        drawdown_ratio=book.drawdown_ratio,
        gross_exposure=book.gross_exposure,
        strategies=[
            StrategyResult(strategy_id=name, realized_pnl=results.realized_pnl, fees=results.fees, fills=results.fills)
            for name, results in sorted(book.strategies.items())
        ],
    )


def control_views(books: Books) -> list[ControlsView]:
    """Every instance in charge. A partition is its who claimed it last; of a service without any, the newest counts."""
    owners: dict[tuple[str, int], ControlStatusChanged] = {}
    for event in books.control_statuses.values():
        owners |= {(event.service, partition): event for partition in event.partitions or (-1,)}
    with_accounts = {service for service, partition in owners if partition >= 0}
    found: dict[tuple[str, str], ControlsView] = {}
    for (service, partition), event in sorted(owners.items(), key=lambda item: item[0]):
        if partition == -1 and service in with_accounts:
            continue  # an instance that has nothing to answer for
        view = found.setdefault(
            (service, event.instance),
            ControlsView(
                service=service,
                instance=event.instance,
                partitions=[],
                control_offset=event.control_offset,
                levels=list(event.levels),
                told_us=event.event_time_us,
            ),
        )
        view.partitions.extend([partition] if partition >= 0 else [])
    return list(found.values())


def position_views(book: AccountBook) -> list[PositionView]:
    """The account's positions."""
    state = book.state
    if state is None:
        return []
    return [
        PositionView(
            account_id=book.account_id,
            as_of_us=state.event_time_us,
            venue=held.venue,
            symbol=held.symbol,
            qty=held.qty,
            entry_price=held.entry_price,
            mark_price=held.mark_price,
            unrealized_pnl=held.unrealized_pnl,
            liquidation_price=held.liquidation_price,
            shares={
                share.strategy_id: share.qty
                for share in state.strategy_positions
                if (share.venue, share.symbol) == (held.venue, held.symbol)
            },
        )
        for held in state.positions
    ]


def strategy_view(books: Books, strategy_id: str) -> StrategyView:
    """A strategy that was published or answered."""
    config, status = books.configs.get(strategy_id), books.statuses.get(strategy_id)
    evaluated = [e.event_time_us for e in books.last_evaluations.values() if e.strategy_id == strategy_id]
    return StrategyView(
        strategy_id=strategy_id,
        published_version=config.version if config is not None else None,
        version=status.version if status is not None else None,
        status=status.status if status is not None else None,
        reasons=list(status.reasons) if status is not None else [],
        active=list(status.active) if status is not None else [],
        last_evaluated_us=max(evaluated, default=None),
    )

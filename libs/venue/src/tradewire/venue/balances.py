"""Balances and positions as the venue tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tradewire.binance.orders import PositionSide
from tradewire.binance.replies import BalanceReply, PositionRisk, PositionRiskV2
from tradewire.binance.user_stream import AccountChange, AccountUpdate, BalanceUpdate, PositionUpdate
from tradewire.trading.exchange import AccountSnapshot, Side, from_e8
from tradewire.trading.exchange.account import Position
from tradewire.trading.exchange.admission import opening_notional, order_margin
from tradewire.venue.amounts import ZERO, at_step, money, text
from tradewire.venue.books import VenueBooks, book_of
from tradewire.venue.listing import MARGIN_ASSET, Listing

ALIAS = "simulated"


def account_update(books: VenueBooks, reason: str, now_ms: int, time_ms: int, book: str | None) -> AccountUpdate:
    """The wallet and, if one changed, a position. Source: Binance docs, "Event: Balance and Position Update"."""
    account = books.exchange.account
    balance = BalanceUpdate(
        asset=MARGIN_ASSET,
        wallet_balance=money(account.wallet_e8),
        cross_wallet_balance=money(account.cross_wallet_e8),
        change=ZERO,
    )
    positions = (_position_update(account.positions[book]),) if book else ()
    return AccountUpdate(
        event_time_ms=now_ms,
        transaction_time_ms=time_ms,
        account=AccountChange(reason=reason, balances=(balance,), positions=positions),
    )


def _position_update(position: Position) -> PositionUpdate:
    symbol, side = book_of(position.spec.symbol)
    return PositionUpdate(
        symbol=symbol,
        amount=from_e8(position.qty_e8),
        entry_price=from_e8(position.entry_price_e8),
        break_even_price=from_e8(position.entry_price_e8),
        accumulated_realized=ZERO,
        unrealized=money(position.unrealized_e8),
        margin_type="cross" if position.is_cross else "isolated",
        isolated_wallet=money(position.margin_e8),
        position_side=side,
    )


def balance_reply(books: VenueBooks, now_ms: int) -> BalanceReply:
    """The only asset's row."""
    state = books.exchange.account_state()
    account = books.exchange.account
    return BalanceReply(
        account_alias=ALIAS,
        asset=MARGIN_ASSET,
        balance=money(state.wallet_e8),
        cross_wallet_balance=money(account.cross_wallet_e8),
        cross_unrealized=money(sum(item.unrealized_e8 for item in account.cross_positions())),
        available_balance=money(state.available_balance_e8),
        max_withdraw=money(state.available_balance_e8),
        margin_available=True,
        update_time_ms=now_ms,
    )


def other_balance(asset: str, balance: Decimal, now_ms: int) -> BalanceReply:
    """The row of an asset that is no margin: it only pays commissions."""
    return BalanceReply(
        account_alias=ALIAS,
        asset=asset,
        balance=balance,
        cross_wallet_balance=balance,
        cross_unrealized=ZERO,
        available_balance=balance,
        max_withdraw=balance,
        margin_available=False,
        update_time_ms=now_ms,
    )


def shown_sides(*, hedged: bool) -> tuple[PositionSide, ...]:
    """Sides of a position that the account's mode has."""
    return (PositionSide.LONG, PositionSide.SHORT) if hedged else (PositionSide.BOTH,)


def position_risk(books: VenueBooks, listing: Listing, side: PositionSide, now_ms: int) -> PositionRisk:
    """One position of ``v3/positionRisk``."""
    position = books.position(listing.symbol, side)
    orders = [order for order in books.exchange.orders if order.request.symbol == position.spec.symbol]
    order_margin_e8 = order_margin(position, orders)
    initial_e8 = position.initial_margin_e8 if position.is_cross else position.margin_e8
    values_e8 = {Side.BUY: 0, Side.SELL: 0}
    for order in orders:
        values_e8[order.request.side] += opening_notional(order, position)
    return PositionRisk(
        symbol=listing.symbol,
        position_side=side,
        amount=at_step(position.qty_e8, listing.filters.step_size),
        entry_price=from_e8(position.entry_price_e8),
        break_even_price=from_e8(position.entry_price_e8),
        mark_price=from_e8(position.mark_e8),
        unrealized=money(position.unrealized_e8),
        liquidation_price=from_e8(books.exchange.account.liquidation_price_e8(position)),
        isolated_margin=money(0 if position.is_cross else position.margin_e8 + position.unrealized_e8),
        notional=money(_notional_e8(position)),
        margin_asset=MARGIN_ASSET,
        isolated_wallet=money(position.margin_e8),
        initial_margin=money(initial_e8 + order_margin_e8),
        maintenance_margin=money(position.maintenance_e8),
        position_initial_margin=money(initial_e8),
        order_initial_margin=money(order_margin_e8),
        adl_quantile=0,
        bid_notional=money(values_e8[Side.BUY]),
        ask_notional=money(values_e8[Side.SELL]),
        update_time_ms=now_ms,
    )


def position_risk_v2(books: VenueBooks, listing: Listing, side: PositionSide, now_ms: int) -> PositionRiskV2:
    """One position of ``v2/positionRisk``."""
    risk, position = position_risk(books, listing, side, now_ms), books.position(listing.symbol, side)
    return PositionRiskV2(
        symbol=risk.symbol,
        position_side=side,
        amount=risk.amount,
        entry_price=risk.entry_price,
        break_even_price=risk.break_even_price,
        mark_price=risk.mark_price,
        unrealized=risk.unrealized,
        liquidation_price=risk.liquidation_price,
        leverage=Decimal(position.leverage),
        max_notional=max_notional(position),
        margin_type="cross" if position.is_cross else "isolated",
        isolated_margin=risk.isolated_margin,
        auto_add_margin="false",
        notional=risk.notional,
        isolated_wallet=risk.isolated_wallet,
        update_time_ms=now_ms,
    )


def max_notional(position: Position) -> Decimal:
    """Largest notional that the position's leverage allows."""
    fitting = [tier.cap_e8 for tier in position.spec.brackets if tier.max_leverage >= position.leverage]
    return Decimal(max(fitting, default=0) // 10**8)


def account_json(
    books: VenueBooks, listings: list[Listing], now_ms: int, *, hedged: bool, version: int
) -> dict[str, Any]:
    """The reply of ``v2/account`` and ``v3/account``; the older one lists every position and says more."""
    state = books.exchange.account_state()
    asset = _asset_json(state, books, now_ms)
    positions = [
        _position_json(books, listing, side, now_ms, version=version)
        for listing in listings
        for side in shown_sides(hedged=hedged)
    ]
    if version == 3:
        positions = [item for item in positions if Decimal(item["positionAmt"]) or Decimal(item["initialMargin"])]
    permissions = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False, "tradeGroupId": -1}
    return {
        **(permissions | {"multiAssetsMargin": False, "updateTime": 0} if version == 2 else {}),
        "totalInitialMargin": asset["initialMargin"],
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": asset["walletBalance"],
        "totalUnrealizedProfit": asset["unrealizedProfit"],
        "totalMarginBalance": asset["marginBalance"],
        "totalPositionInitialMargin": asset["positionInitialMargin"],
        "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
        "totalCrossWalletBalance": asset["crossWalletBalance"],
        "totalCrossUnPnl": asset["crossUnPnl"],
        "availableBalance": asset["availableBalance"],
        "maxWithdrawAmount": asset["maxWithdrawAmount"],
        "assets": [asset],
        "positions": positions,
    }


def _asset_json(state: AccountSnapshot, books: VenueBooks, now_ms: int) -> dict[str, Any]:
    balance = balance_reply(books, now_ms)
    return {
        "asset": MARGIN_ASSET,
        "walletBalance": text(balance.balance),
        "unrealizedProfit": text(money(state.unrealized_pnl_e8)),
        "marginBalance": text(money(state.equity_e8)),
        "maintMargin": text(money(state.maintenance_margin_e8)),
        "initialMargin": text(money(state.initial_margin_e8 + state.order_margin_e8)),
        "positionInitialMargin": text(money(state.initial_margin_e8)),
        "openOrderInitialMargin": text(money(state.order_margin_e8)),
        "crossWalletBalance": text(balance.cross_wallet_balance),
        "crossUnPnl": text(balance.cross_unrealized),
        "availableBalance": text(balance.available_balance),
        "maxWithdrawAmount": text(balance.max_withdraw),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def _position_json(
    books: VenueBooks, listing: Listing, side: PositionSide, now_ms: int, *, version: int
) -> dict[str, Any]:
    risk, position = position_risk(books, listing, side, now_ms).write(), books.position(listing.symbol, side)
    shared = {
        "symbol": listing.symbol,
        "positionSide": side.value,
        "positionAmt": risk["positionAmt"],
        "unrealizedProfit": risk["unRealizedProfit"],
        "isolatedMargin": risk["isolatedMargin"],
        "notional": risk["notional"],
        "isolatedWallet": risk["isolatedWallet"],
        "initialMargin": risk["initialMargin"],
        "maintMargin": risk["maintMargin"],
        "updateTime": now_ms,
    }
    if version == 3:
        return shared
    return shared | {
        "positionInitialMargin": risk["positionInitialMargin"],
        "openOrderInitialMargin": risk["openOrderInitialMargin"],
        "leverage": str(position.leverage),
        "isolated": not position.is_cross,
        "entryPrice": risk["entryPrice"],
        "breakEvenPrice": risk["breakEvenPrice"],
        "maxNotional": text(max_notional(position)),
        "bidNotional": risk["bidNotional"],
        "askNotional": risk["askNotional"],
    }


def _notional_e8(position: Position) -> int:
    return position.qty_e8 * position.mark_e8 // 10**8

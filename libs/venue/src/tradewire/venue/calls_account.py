"""Answers of the calls about balances, positions, modes, fees and the user stream's key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.limits import ORDERS_10S_LIMIT, ORDERS_LIMIT
from tradewire.binance.orders import MarginType, PositionSide
from tradewire.binance.replies import CommissionRate
from tradewire.binance.signatures import API_KEY_HEADER
from tradewire.binance.user_stream import AccountConfigUpdate, LeverageUpdate
from tradewire.trading.exchange import MarginMode, from_e8, to_e8
from tradewire.venue import fee_burn
from tradewire.venue.amounts import text
from tradewire.venue.balances import (
    account_json,
    balance_reply,
    max_notional,
    other_balance,
    position_risk,
    position_risk_v2,
    shown_sides,
)
from tradewire.venue.calls_market import Call
from tradewire.venue.listing import MARGIN_ASSET, Listing
from tradewire.venue.refusal import Parameters, VenueRefusedError
from tradewire.venue.trading import listed
from tradewire.venue.venue import Venue

SUCCESS: Final = {"code": 200, "msg": "success"}


def _listings(venue: Venue, request: Parameters) -> list[Listing]:
    """The symbol asked for, or all. Raises RefusedError for one that is not listed."""
    symbol = request.optional("symbol")
    if symbol is None:
        return list(venue.listings.values())
    if symbol not in venue.listings:
        raise VenueRefusedError(ErrorCode.BAD_SYMBOL)
    return [venue.listings[symbol]]


def _balance(venue: Venue, request: Parameters) -> Any:
    rows = [balance_reply(venue.books, venue.now_ms())]
    if fee_burn.MARKET in venue.listings:
        rows.append(other_balance(fee_burn.BNB, venue.account.fee_burn.bnb, venue.now_ms()))
    return [row.write() for row in rows]


def _account(version: int) -> Call:
    def answer(venue: Venue, request: Parameters) -> Any:
        listings = list(venue.listings.values())
        return account_json(venue.books, listings, venue.now_ms(), hedged=venue.account.hedged, version=version)

    return answer


def _position_risk(venue: Venue, request: Parameters) -> Any:
    rows = [
        position_risk(venue.books, listing, side, venue.now_ms())
        for listing in _listings(venue, request)
        for side in shown_sides(hedged=venue.account.hedged)
    ]
    return [row.write() for row in rows if row.amount or row.initial_margin]


def _position_risk_v2(venue: Venue, request: Parameters) -> Any:
    return [
        position_risk_v2(venue.books, listing, side, venue.now_ms()).write()
        for listing in _listings(venue, request)
        for side in shown_sides(hedged=venue.account.hedged)
    ]


def _account_config(venue: Venue, request: Parameters) -> Any:
    permissions = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False}
    modes = {"dualSidePosition": venue.account.hedged, "multiAssetsMargin": False}
    return permissions | modes | {"updateTime": 0, "tradeGroupId": -1}


def _symbol_config(venue: Venue, request: Parameters) -> Any:
    rows = []
    for listing in _listings(venue, request):
        position = venue.books.position(listing.symbol, PositionSide.BOTH)
        rows.append(
            {
                "symbol": listing.symbol,
                "marginType": "CROSSED" if position.is_cross else "ISOLATED",
                "isAutoAddMargin": False,
                "leverage": position.leverage,
                "maxNotionalValue": text(max_notional(position)),
            }
        )
    return rows


def _brackets(venue: Venue, request: Parameters) -> Any:
    rows = [listing.brackets().write() for listing in _listings(venue, request)]
    return rows[0] if request.optional("symbol") else rows


def _commission(venue: Venue, request: Parameters) -> Any:
    spec = _listings(venue, Parameters({"symbol": request.text("symbol")}))[0].spec
    rate = CommissionRate(symbol=spec.symbol, maker=from_e8(spec.maker_fee_e8), taker=from_e8(spec.taker_fee_e8))
    return rate.write()


def _income(venue: Venue, request: Parameters) -> Any:
    symbol, kind = request.optional("symbol"), request.optional("incomeType")
    first, last = request.integer("startTime", 0), request.integer("endTime", 10**15)
    found = [
        row.write()
        for row in venue.account.income
        if symbol in (None, row.symbol) and kind in (None, row.income_type) and first <= row.time_ms <= last
    ]
    limit = request.integer("limit", 100, most=1000)
    return found[:limit] if request.optional("startTime") else found[-limit:]


def _coins(venue: Venue, request: Parameters) -> Any:
    """The wallet's one coin; nothing can be deposited or withdrawn."""
    amounts = dict.fromkeys(("free", "locked", "freeze", "withdrawing", "ipoing", "ipoable", "storage"), "0")
    closed = {"depositAllEnable": False, "withdrawAllEnable": False, "trading": True, "isLegalMoney": False}
    return [{"coin": MARGIN_ASSET, "name": MARGIN_ASSET, "networkList": [], **amounts, **closed}]


def _margin_pairs(venue: Venue, request: Parameters) -> Any:
    """There is no margin trading here."""
    return []


def _key_permissions(venue: Venue, request: Parameters) -> Any:
    """What the test key may do. Source: Binance docs, Wallet, "Get API Key Permission"."""
    allowed = {"enableReading": True, "enableFutures": True}
    names = ("enableMargin", "enableSpotAndMarginTrading", "enableInternalTransfer", "permitsUniversalTransfer")
    closed = dict.fromkeys(names, False)
    return {"ipRestrict": True, "createTime": 0, **allowed, **closed, "enableWithdrawals": venue.may_withdraw}


def _adl_quantile(venue: Venue, request: Parameters) -> Any:
    sides = ("LONG", "SHORT", "HEDGE") if venue.account.hedged else ("LONG", "SHORT", "BOTH")
    return [
        {"symbol": listing.symbol, "adlQuantile": dict.fromkeys(sides, 0)}
        for listing in _listings(venue, request)
        if venue.books.has_position(listing.symbol)
    ]


def _order_limits(venue: Venue, request: Parameters) -> Any:
    return [limit.as_json() for limit in (ORDERS_10S_LIMIT, ORDERS_LIMIT)]


# ---- modes ----


def _set_leverage(venue: Venue, request: Parameters) -> Any:
    symbol, leverage = listed(venue.account, request).symbol, request.integer("leverage")
    venue.books.set_leverage(symbol, leverage)
    now_ms = venue.now_ms()
    change = LeverageUpdate(symbol=symbol, leverage=leverage)
    venue.account.tell(AccountConfigUpdate(event_time_ms=now_ms, transaction_time_ms=now_ms, leverage=change))
    most = max_notional(venue.books.position(symbol, PositionSide.BOTH))
    return {"leverage": leverage, "maxNotionalValue": text(most), "symbol": symbol}


def _set_margin_type(venue: Venue, request: Parameters) -> Any:
    symbol = listed(venue.account, request).symbol
    wanted = request.word("marginType", MarginType, ErrorCode.INVALID_PARAMETER)
    venue.books.set_margin_mode(symbol, MarginMode.CROSS if wanted is MarginType.CROSSED else MarginMode.ISOLATED)
    return SUCCESS


def _change_margin(venue: Venue, request: Parameters) -> Any:
    """Move money between the wallet and an isolated position. ``type`` 1 adds, 2 takes."""
    symbol = listed(venue.account, request).symbol
    kind, amount = request.integer("type"), request.number("amount")
    side = request.word("positionSide", PositionSide, ErrorCode.INVALID_POSITION_SIDE, PositionSide.BOTH)
    venue.books.move_margin(symbol, side, to_e8(amount if kind == 1 else -amount))
    venue.margin_changes.append(
        {
            "symbol": symbol,
            "type": kind,
            "deltaType": "USER_ADJUST",
            "amount": text(amount),
            "asset": MARGIN_ASSET,
            "time": venue.now_ms(),
            "positionSide": side.value,
        }
    )
    return {"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind}


def _margin_changes(venue: Venue, request: Parameters) -> Any:
    symbol = request.text("symbol")
    return [row for row in venue.margin_changes if row["symbol"] == symbol]


def _position_mode(venue: Venue, request: Parameters) -> Any:
    return {"dualSidePosition": venue.account.hedged}


def _set_position_mode(venue: Venue, request: Parameters) -> Any:
    hedged = request.text("dualSidePosition").lower() == "true"
    if hedged == venue.account.hedged:
        raise VenueRefusedError(ErrorCode.NO_NEED_TO_CHANGE_POSITION_SIDE)
    if venue.books.has_orders():
        raise VenueRefusedError(ErrorCode.POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS)
    if venue.books.has_position():
        raise VenueRefusedError(ErrorCode.POSITION_SIDE_CHANGE_EXISTS_QUANTITY)
    venue.account.hedged = hedged
    return SUCCESS


def _assets_mode(venue: Venue, request: Parameters) -> Any:
    return {"multiAssetsMargin": False}


def _set_assets_mode(venue: Venue, request: Parameters) -> Any:
    if request.text("multiAssetsMargin").lower() == "true":
        raise VenueRefusedError(
            ErrorCode.UNSUPPORTED_OPERATION, "This venue has one asset: multi-assets mode is not served."
        )
    return SUCCESS


def _fee_burn(venue: Venue, request: Parameters) -> Any:
    """Whether commissions are paid in BNB. Source: Binance docs, "Get BNB Burn Status"."""
    return {"feeBurn": venue.account.fee_burn.on}


def _set_fee_burn(venue: Venue, request: Parameters) -> Any:
    venue.account.fee_burn.on = request.text("feeBurn").lower() == "true"
    return SUCCESS


# ---- the user stream's key ----


def _listen_key(venue: Venue, request: Parameters) -> Any:
    return {"listenKey": venue.listen_keys.start(request.text(API_KEY_HEADER))}


def _keep_listen_key(venue: Venue, request: Parameters) -> Any:
    return {"listenKey": venue.listen_keys.extend(request.text(API_KEY_HEADER))}


def _close_listen_key(venue: Venue, request: Parameters) -> Any:
    venue.listen_keys.close(request.text(API_KEY_HEADER))
    return {}


CALLS: Final[Mapping[tuple[str, str], Call]] = MappingProxyType(
    {
        ("GET", "/fapi/v2/balance"): _balance,
        ("GET", "/fapi/v3/balance"): _balance,
        ("GET", "/fapi/v2/account"): _account(2),
        ("GET", "/fapi/v3/account"): _account(3),
        ("GET", "/fapi/v2/positionRisk"): _position_risk_v2,
        ("GET", "/fapi/v3/positionRisk"): _position_risk,
        ("GET", "/fapi/v1/accountConfig"): _account_config,
        ("GET", "/fapi/v1/symbolConfig"): _symbol_config,
        ("GET", "/fapi/v1/leverageBracket"): _brackets,
        ("GET", "/fapi/v1/commissionRate"): _commission,
        ("GET", "/fapi/v1/income"): _income,
        ("GET", "/fapi/v1/adlQuantile"): _adl_quantile,
        ("GET", "/fapi/v1/rateLimit/order"): _order_limits,
        ("POST", "/fapi/v1/leverage"): _set_leverage,
        ("POST", "/fapi/v1/marginType"): _set_margin_type,
        ("POST", "/fapi/v1/positionMargin"): _change_margin,
        ("GET", "/fapi/v1/positionMargin/history"): _margin_changes,
        ("GET", "/fapi/v1/positionSide/dual"): _position_mode,
        ("POST", "/fapi/v1/positionSide/dual"): _set_position_mode,
        ("GET", "/fapi/v1/multiAssetsMargin"): _assets_mode,
        ("POST", "/fapi/v1/multiAssetsMargin"): _set_assets_mode,
        ("GET", "/fapi/v1/feeBurn"): _fee_burn,
        ("POST", "/fapi/v1/feeBurn"): _set_fee_burn,
        ("GET", "/sapi/v1/capital/config/getall"): _coins,
        ("GET", "/sapi/v1/margin/allPairs"): _margin_pairs,
        ("GET", "/sapi/v1/account/apiRestrictions"): _key_permissions,
        ("POST", "/fapi/v1/listenKey"): _listen_key,
        ("PUT", "/fapi/v1/listenKey"): _keep_listen_key,
        ("DELETE", "/fapi/v1/listenKey"): _close_listen_key,
    }
)

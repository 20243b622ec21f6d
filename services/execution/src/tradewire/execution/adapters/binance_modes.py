"""What an account and its key must be before an order leaves. Nothing is changed there: a mismatch is refused."""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.binance.orders import MarginType
from tradewire.execution.adapters.binance_rest import BinanceRest
from tradewire.ports.errors import FatalError


@dataclass(frozen=True, slots=True)
class AccountModes:
    """``hedged``: hedge mode, else one-way; ``leverage``, ``margin_type``: of every symbol that is traded;
    ``dead_man_s``: the venue withdraws resting orders when it has not heard of us for so long, 0: never.
    """

    hedged: bool = False
    leverage: int = 5
    margin_type: MarginType = MarginType.CROSSED
    dead_man_s: int = 120


async def check_account(rest: BinanceRest, account_id: str, wanted: AccountModes) -> None:
    """Position mode and assets mode. Raises FatalError for other ones, RetryableError."""
    told = await rest.ask("GET", "/fapi/v1/accountConfig")
    if not told["canTrade"]:
        raise FatalError(f"account {account_id}: Binance says canTrade is false, allowed is an account that may trade")
    if told["dualSidePosition"] != wanted.hedged:
        found, allowed = ("hedge", "one-way") if told["dualSidePosition"] else ("one-way", "hedge")
        raise FatalError(
            f"account {account_id}: position mode: found {found}, TRADEWIRE_BINANCE_POSITION_MODE allows {allowed}"
        )
    if told["multiAssetsMargin"]:
        raise FatalError(f"account {account_id}: found multi-assets margin, allowed single-asset margin")


async def check_key(rest: BinanceRest, account_id: str) -> None:
    """Raises FatalError for a key that may withdraw, RetryableError.

    Source: Binance docs, Wallet, "Get API Key Permission".
    """
    told = await rest.ask("GET", "/sapi/v1/account/apiRestrictions")
    for permission in ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"):
        if told.get(permission):
            raise FatalError(f"account {account_id}: the API key has {permission}, allowed is a key that only trades")


async def check_symbol(rest: BinanceRest, account_id: str, symbol: str, wanted: AccountModes) -> None:
    """Leverage and margin type of a symbol. Raises FatalError for other ones, RetryableError."""
    told = (await rest.ask("GET", "/fapi/v1/symbolConfig", symbol=symbol))[0]
    if int(told["leverage"]) != wanted.leverage:
        raise FatalError(
            f"account {account_id}, {symbol}: leverage: found {told['leverage']}, "
            f"TRADEWIRE_BINANCE_LEVERAGE allows {wanted.leverage}"
        )
    if told["marginType"] != wanted.margin_type.value:
        raise FatalError(
            f"account {account_id}, {symbol}: margin type: found {told['marginType']}, "
            f"TRADEWIRE_BINANCE_MARGIN_MODE allows {wanted.margin_type.value}"
        )

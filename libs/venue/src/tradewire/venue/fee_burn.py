"""Commissions that are paid in BNB, at a discount, as long as there is some."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tradewire.trading.exchange import from_e8
from tradewire.trading.exchange.account import Account
from tradewire.venue.amounts import money
from tradewire.venue.listing import MARGIN_ASSET

BNB: Final = "BNB"
MARKET: Final = f"{BNB}{MARGIN_ASSET}"
"""Its mark price values BNB: where it is not listed, commissions are paid in USDT."""
SHARE: Final = Decimal("0.9")
"""Of a commission that is left in BNB. Source: Binance, "USDⓈ-M Futures Fee Structure"."""
SMALLEST: Final = Decimal("0.00000001")


@dataclass(slots=True)
class FeeBurn:
    """``on``: as ``POST /fapi/v1/feeBurn`` set it; ``bnb``: what the account holds."""

    on: bool = False
    bnb: Decimal = Decimal(10)

    def paid(self, account: Account, fee_e8: int) -> tuple[Decimal, str]:
        """What a fee costs that was taken from the wallet, and in which asset: paid in BNB, the wallet gets it back."""
        market = account.positions.get(MARKET)
        if not self.on or fee_e8 <= 0 or market is None or not market.mark_e8:
            return money(fee_e8), MARGIN_ASSET
        paid = (from_e8(fee_e8) * SHARE / from_e8(market.mark_e8)).quantize(SMALLEST)
        if paid > self.bnb:
            return money(fee_e8), MARGIN_ASSET
        self.bnb -= paid
        account.charge_fee(-fee_e8)
        return paid, BNB

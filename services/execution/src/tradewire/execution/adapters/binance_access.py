"""Which Binance an account is traded at, and by which key: files that are mounted, never settings in clear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tradewire.binance.addresses import Addresses
from tradewire.binance.signatures import Credentials, credentials_of
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.adapters.binance_rest import BinanceRest
from tradewire.execution.adapters.shadow_broker import ShadowBroker
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.runtime.rate_budget.budget import RateBudget


@dataclass(frozen=True, slots=True)
class BinanceAccess:
    """``keys``: a folder with ``<account>.key`` and, beside it, ``<account>.secret`` (HMAC) or ``<account>.pem``
    (Ed25519); ``budget``: of the address that all accounts ask from;
    ``shadow``: orders are checked and not sent.
    """

    addresses: Addresses
    keys: Path
    modes: AccountModes
    budget: RateBudget
    shadow: bool = False

    def broker(self, account_id: str, clock: ClockPort) -> BinanceBroker:
        """The account's broker. Raises FatalError for one without keys."""
        rest = BinanceRest(self.addresses, credentials(self.keys, account_id), clock, self.budget)
        kind = ShadowBroker if self.shadow else BinanceBroker
        return kind(account_id, rest, self.modes, clock)


def credentials(folder: Path, account_id: str) -> Credentials:
    """An account's keys. Raises FatalError in words for what is missing or no key."""
    try:
        return credentials_of(str(folder), account_id, lambda path: Path(path).read_bytes())
    except ValueError as error:
        raise FatalError(str(error)) from error

"""Which Binance an account is traded at, and by which key: files that are mounted, never settings in clear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tradewire.binance.addresses import Addresses
from tradewire.binance.signatures import Ed25519Signer, HmacKey
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.adapters.binance_rest import BinanceRest, Credentials
from tradewire.execution.adapters.shadow_broker import ShadowBroker
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.runtime.rate_budget.budget import RateBudget

KEY, SECRET, PEM = ".key", ".secret", ".pem"
BYTES_MAX: Final = 10_000
"""Of a key's file."""


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
    api_key = _text(folder, account_id, KEY)
    if (folder / f"{account_id}{PEM}").is_file():
        try:
            return Credentials(api_key, Ed25519Signer(_text(folder, account_id, PEM).encode()))
        except ValueError as error:
            raise FatalError(f"{folder / account_id}{PEM}: {error}") from error
    return Credentials(api_key, HmacKey(_text(folder, account_id, SECRET)))


def _text(folder: Path, account_id: str, suffix: str) -> str:
    path = folder / f"{account_id}{suffix}"
    if path.parent != folder or not account_id:
        raise FatalError(f"account {account_id!r}: found an id that names no file, allowed one without slashes")
    try:
        data = path.read_bytes()
    except OSError as error:
        wanted = f"{account_id}{KEY} and {account_id}{SECRET} or {account_id}{PEM}"
        raise FatalError(f"{path}: can't be read: {error.strerror}; an account needs {wanted}") from error
    text = data.decode("utf-8", "replace").strip()
    if not text or len(data) > BYTES_MAX or (suffix != PEM and (not text.isascii() or len(text.split()) != 1)):
        raise FatalError(f"{path}: found {len(data)} bytes that are no key, allowed is one word")
    return text

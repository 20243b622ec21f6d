"""What the user has set in the environment: never overridden in silence, but in force or refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tradewire.ports.errors import TradewireError

PREFIX = "TRADEWIRE_"
OWN_OF_EACH_PROCESS = ("TRADEWIRE_HTTP_PORT", "TRADEWIRE_HTTP_PORT_FILE", "TRADEWIRE_MEMBER")
"""No two processes can share these, so a platform of several chooses them."""
MARKET = (
    "TRADEWIRE_MARKET_SOURCE",
    "TRADEWIRE_MARKET_PATH",
    "TRADEWIRE_MARKET_FILES",
    "TRADEWIRE_CCXT_EXCHANGE",
    "TRADEWIRE_CCXT_VENUE",
    "TRADEWIRE_CCXT_SYMBOLS",
    "TRADEWIRE_CCXT_INTERVAL",
    "TRADEWIRE_BINANCE_SYMBOLS",
    "TRADEWIRE_BINANCE_INTERVAL",
)
"""What is traded."""
ADDRESSES = ("_URL", "_DSN")
"""Ends of settings that may hold a password: their values are not shown."""


class SettingsConflictError(TradewireError):
    """Two words of the user's contradict each other, or a command can't do what a setting says."""


def set_by_user(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings of the services that the user made."""
    return {name: value for name, value in environ.items() if name.startswith(PREFIX)}


def refuse(names: Iterable[str], environ: Mapping[str, str], why: str) -> None:
    """Raise SettingsConflictError for those of ``names`` that are set; ``why``: what the command does instead."""
    found = [f"{name}={environ[name]}" for name in names if name in environ]
    if found:
        raise SettingsConflictError(f"{', '.join(found)} is set, but {why}")


def refuse_contradictions(options: Mapping[str, tuple[str, str]], environ: Mapping[str, str]) -> None:
    """Raise SettingsConflictError where an option says other than a setting.

    ``options``: setting → the option as it was typed, and what the setting would be by it.
    """
    for name, (option, value) in options.items():
        if name in environ and environ[name] != value:
            found = name if name.endswith(ADDRESSES) else f"{name}={environ[name]}"
            raise SettingsConflictError(f"{option} contradicts {found}: leave one of the two out")


def shown(address: str) -> str:
    """An address without its password."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:***@{host}").geturl()

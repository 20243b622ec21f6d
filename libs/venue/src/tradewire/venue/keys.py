"""API keys of the venue's account, and the keys of its user stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from tradewire.binance.errors import ErrorCode
from tradewire.binance.signatures import HmacKey, Verifier
from tradewire.binance.streams import LISTEN_KEY_LIFE_MS
from tradewire.venue.refusal import VenueRefusedError


@dataclass(frozen=True, slots=True)
class TestKeys:
    """A key and its secret, made from a seed: they open nothing but a simulated venue."""

    api_key: str
    secret: str

    @classmethod
    def of(cls, seed: int) -> TestKeys:
        """The keys of a seed: always the same."""
        return cls(*(sha256(f"tradewire venue {part} {seed}".encode()).hexdigest() for part in ("key", "secret")))


@dataclass(slots=True)
class ApiKeys:
    """Who may ask: API key → how its signatures are judged."""

    verifiers: dict[str, Verifier] = field(default_factory=dict)

    def of(self, api_key: str) -> Verifier:
        """Raises RefusedError for no key, and for one that is not known."""
        if not api_key:
            raise VenueRefusedError(ErrorCode.BAD_API_KEY_FMT, status=401)
        if api_key not in self.verifiers:
            raise VenueRefusedError(ErrorCode.REJECTED_MBX_KEY, status=401)
        return self.verifiers[api_key]

    def refuse_secrets(self, api_key: str) -> None:
        """Raises RefusedError for a key that signs with a shared secret."""
        if isinstance(self.of(api_key), HmacKey):
            raise VenueRefusedError(ErrorCode.INVALID_PARAMETER, "session.logon needs an Ed25519 key.")


@dataclass(slots=True)
class ListenKeys:
    """The user stream's keys: one for each API key, which lives 60 minutes of the venue's time after its last use.

    Source: Binance docs, "User Data Streams": POST while one is valid gives the same and extends it.
    """

    now_ms: Callable[[], int]
    until_ms: dict[str, int] = field(default_factory=dict)
    of_api_key: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def start(self, api_key: str) -> str:
        """The API key's listen key, new or extended."""
        key = self.of_api_key.get(api_key)
        if key is None or not self.is_valid(key):
            self.made += 1
            key = sha256(f"{api_key} {self.made}".encode()).hexdigest()
            self.of_api_key[api_key] = key
        self.until_ms[key] = self.now_ms() + LISTEN_KEY_LIFE_MS
        return key

    def extend(self, api_key: str) -> str:
        """Keep it alive. Raises RefusedError (-1125) when there is none: make a new one."""
        key = self.of_api_key.get(api_key, "")
        if not self.is_valid(key):
            raise VenueRefusedError(ErrorCode.INVALID_LISTEN_KEY)
        self.until_ms[key] = self.now_ms() + LISTEN_KEY_LIFE_MS
        return key

    def close(self, api_key: str) -> None:
        """End it."""
        self.until_ms.pop(self.of_api_key.pop(api_key, ""), None)

    def is_valid(self, key: str) -> bool:
        """Whether the key is known and has not run out."""
        return self.until_ms.get(key, -1) > self.now_ms()

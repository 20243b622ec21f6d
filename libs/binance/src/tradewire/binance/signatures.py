"""Signatures of requests: HMAC SHA-256 with a secret, or Ed25519 with a key pair.

Source: Binance docs, "General Info: Endpoint Security Type"; "WebSocket API General Info: Request security". REST signs
the query string followed by the body, percent-encoded as sent, without ``signature``; the WebSocket API signs the
parameters sorted by name, joined as ``name=value`` with ``&``.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

API_KEY_HEADER: Final = "X-MBX-APIKEY"
RECV_WINDOW_MS: Final = 5000
RECV_WINDOW_MS_MAX: Final = 60_000
AHEAD_MS_MAX: Final = 1000
"""How far a timestamp may be ahead of the server's time."""


class Signer(Protocol):
    """Signs what is sent."""

    def sign(self, payload: str) -> str:
        """The signature of a payload."""
        ...


class Verifier(Protocol):
    """Judges a signature."""

    def accepts(self, payload: str, signature: str) -> bool:
        """Whether the signature is this key's of the payload."""
        ...


class HmacKey:
    """A secret that both sides know; signatures are hex."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, payload: str) -> str:
        """HMAC SHA-256, hex."""
        return hmac.new(self._secret, payload.encode(), "sha256").hexdigest()

    def accepts(self, payload: str, signature: str) -> bool:
        """Whether it is this secret's; the case of hex digits does not matter."""
        return hmac.compare_digest(self.sign(payload).encode(), signature.lower().encode())


class Ed25519Signer:
    """The client's half of a key pair, from PEM (PKCS #8); signatures are base64."""

    def __init__(self, pem: bytes, password: bytes | None = None) -> None:
        key = load_pem_private_key(pem, password)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"private key: found {type(key).__name__}, allowed an Ed25519 key")
        self._key = key

    def sign(self, payload: str) -> str:
        """Ed25519, base64."""
        return base64.b64encode(self._key.sign(payload.encode())).decode()


class Ed25519Verifier:
    """The server's half of a key pair, from PEM."""

    def __init__(self, pem: bytes) -> None:
        key = load_pem_public_key(pem)
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"public key: found {type(key).__name__}, allowed an Ed25519 key")
        self._key = key

    def accepts(self, payload: str, signature: str) -> bool:
        """Whether the private half made it."""
        try:
            self._key.verify(base64.b64decode(signature, validate=True), payload.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key, and what signs with its secret half."""

    api_key: str
    signer: Signer


KEY, SECRET, PEM = ".key", ".secret", ".pem"
"""Ends of the names of key files."""
KEY_BYTES_MAX: Final = 10_000
"""Of a key's file."""


def credentials_of(folder: str, account_id: str, read: Callable[[str], bytes]) -> Credentials:
    """The keys of an account: files ``<account>.key`` and, beside it, ``<account>.pem`` (Ed25519) or
    ``<account>.secret`` (HMAC). ``read``: the bytes of a file by its path; raises OSError. Raises ValueError in words
    for what is missing or no key.
    """
    if not account_id or "/" in account_id or account_id in (".", ".."):
        raise ValueError(f"account {account_id!r}: found an id that names no file, allowed one without slashes")
    stem = f"{folder}/{account_id}"
    wanted = f"{account_id}{KEY} and {account_id}{SECRET} or {account_id}{PEM}"

    def text_of(suffix: str) -> str:
        try:
            data = read(f"{stem}{suffix}")
        except OSError as error:
            raise ValueError(f"{stem}{suffix}: can't be read: {error.strerror}; an account needs {wanted}") from error
        text = data.decode("utf-8", "replace").strip()
        if not text or len(data) > KEY_BYTES_MAX or (suffix != PEM and (not text.isascii() or len(text.split()) != 1)):
            raise ValueError(f"{stem}{suffix}: found {len(data)} bytes that are no key, allowed is one word")
        return text

    api_key = text_of(KEY)
    try:
        read(f"{stem}{PEM}")
    except FileNotFoundError:
        return Credentials(api_key, HmacKey(text_of(SECRET)))
    except OSError:
        pass  # it is there, so it is meant: reading it says what is wrong with it
    pem = text_of(PEM)
    try:
        return Credentials(api_key, Ed25519Signer(pem.encode()))
    except ValueError as error:
        raise ValueError(f"{stem}{PEM}: {error}") from error


def api_payload(params: Mapping[str, Any]) -> str:
    """What is signed of a WebSocket API request."""
    items = sorted((name, value) for name, value in params.items() if name != "signature")
    return "&".join(f"{name}={_text(value)}" for name, value in items)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

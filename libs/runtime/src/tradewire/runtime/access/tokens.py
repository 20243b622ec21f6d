"""Tokens of people and programs, from a file of hashes that is read again when it changes.

A token has 256 random bits, so its SHA-256 tells nothing about it, and salt or a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradewire.ports.errors import FatalError
from tradewire.runtime.access.roles import Identity, Role

TOKEN_BYTES = 32
FILE_BYTES_MAX = 1_000_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
FORM = "NAME ROLE sha256:64_HEX_DIGITS"
ROLES = ", ".join(role.value for role in Role)


class TokensFileError(FatalError):
    """The tokens file can't be used. The message names the line, never what it holds."""


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A line of the file: a person may have several, e.g. the old and the new one."""

    identity: Identity
    digest: bytes


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def line_of(identity: Identity, token: str) -> str:
    """The line that lets a token in."""
    return f"{identity.name} {identity.role.value} sha256:{_digest(token).hex()}"


def read_tokens(text: str, name: str) -> tuple[HeldToken, ...]:
    """Entries of a tokens file called ``name``; ``#`` begins a comment. Raises TokensFileError."""
    entries = tuple(_entries(text, name))
    if not entries:
        raise TokensFileError(f"{name}: found no token; allowed: lines such as {FORM}")
    return entries


def _entries(text: str, name: str) -> Iterator[HeldToken]:
    holders: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{name}, line {number}"
        if len(words) != 3:
            raise TokensFileError(f"{where}: found {len(words)} words; allowed: {FORM}")
        holder, role, digest = words
        if NAME.fullmatch(holder) is None:
            raise TokensFileError(
                f"{where}: the name is not of 1 to 64 letters, digits and . _ @ -, a letter or digit first"
            )
        if role not in {each.value for each in Role}:
            raise TokensFileError(f"{where}: the second word is no role; allowed: {ROLES}")
        match = _HASH.fullmatch(digest)
        if match is None:
            raise TokensFileError(f"{where}: the third word is no hash; allowed: {FORM}, from `tradewire token new`")
        entry = HeldToken(Identity(holder, Role(role)), bytes.fromhex(match.group(1)))
        if holders.setdefault(entry.digest, where) != where:
            raise TokensFileError(
                f"{where}: the same token as on {holders[entry.digest]}; allowed: one holder for each"
            )
        yield entry


class Tokens:
    """The tokens of a file, as it is now."""

    def __init__(self, path: Path) -> None:
        """Raises TokensFileError for a file that can't be used."""
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._entries: tuple[HeldToken, ...] = ()
        self._read()

    def identify(self, token: str) -> Identity | None:
        """Who holds a token; None for nobody. As long as it takes for any token: every entry is compared.

        Raises TokensFileError when the file was changed into one that can't be used: nobody is let in then, because the
        change may have been meant to lock somebody out.
        """
        self._read()
        digest, found = _digest(token), None
        for entry in self._entries:
            if hmac.compare_digest(entry.digest, digest):
                found = entry.identity
        return found

    def _read(self) -> None:
        """Read the file if it is another than before."""
        try:
            state = self.path.stat()
            seen = (state.st_ino, state.st_size, state.st_mtime_ns)
            if seen == self._seen:
                return
            self._seen, self._entries = (), ()
            with self.path.open("rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            self._seen, self._entries = (), ()
            raise TokensFileError(f"{self.path} can't be read: {error.strerror}") from None
        if len(text) > FILE_BYTES_MAX:
            raise TokensFileError(f"{self.path}: found more than {FILE_BYTES_MAX} bytes; allowed: at most as many")
        try:
            entries = read_tokens(text.decode(), os.fspath(self.path))
        except UnicodeDecodeError:
            raise TokensFileError(f"{self.path} is not UTF-8") from None
        self._seen, self._entries = seen, entries


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

"""Who may see the pages: a one-time link starts a session, a cookie keeps it. One key per platform signs both.

Signed values need no store: a session goes on when the process is started again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

KEY_FILE = "web.key"
KEY_BYTES = 32
LINK_SECONDS = 600
SESSION_SECONDS = 7 * 86_400
LINKS_USED_MAX = 10_000


def key_of(root: Path) -> bytes:
    """The platform's key, made on first use. Whoever can read the file may open the pages: its owner alone."""
    path = root / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    return path.read_bytes()


@dataclass
class Keys:
    """Makes and judges links, sessions and CSRF tokens. Times are seconds since 1970, passed in."""

    key: bytes
    _used: dict[str, None] = field(default_factory=dict)

    def link(self, now_s: int) -> str:
        """A token that opens one session, within ten minutes."""
        return self._signed("link", now_s + LINK_SECONDS)

    def enter(self, token: str, now_s: int) -> str | None:
        """A session for a link's token; None when it is forged, too old or was used."""
        if not self._holds("link", token, now_s) or token in self._used:
            return None
        self._used[token] = None
        if len(self._used) > LINKS_USED_MAX:
            self._used.pop(next(iter(self._used)))
        return self._signed("session", now_s + SESSION_SECONDS)

    def knows(self, session: str, now_s: int) -> bool:
        """Is it a session of this platform that goes on?"""
        return self._holds("session", session, now_s)

    def csrf(self, session: str) -> str:
        """What the page of a session sends with each write, and no other page can know."""
        return self._mark("csrf", session)

    def _signed(self, purpose: str, ends_s: int) -> str:
        body = f"{ends_s}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._mark(purpose, body)}"

    def _holds(self, purpose: str, token: str, now_s: int) -> bool:
        body, _, mark = token.rpartition(".")
        ends_s = body.partition(".")[0]
        same = hmac.compare_digest(self._mark(purpose, body).encode(), mark.encode("utf-8", "replace"))
        return same and ends_s.isdigit() and now_s < int(ends_s)

    def _mark(self, purpose: str, body: str) -> str:
        return hmac.new(self.key, f"{purpose}:{body}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()

"""The role that a command needs, from the token of whoever runs it, where tokens are configured.

What a command may write is decided by the broker: the address of the bus signs in as a Kafka user, whose rights say
which topics it writes. The token says who it is, refuses early and in words, and stands as the author in what is
written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tradewire.ports.errors import TradewireError
from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import Tokens

TOKENS_FILE, TOKEN_FILE = "TRADEWIRE_TOKENS_FILE", "TRADEWIRE_TOKEN_FILE"


class ForbiddenError(TradewireError):
    """Nobody is known to hold the token, or its role does not include what the command needs."""


def permitted(wanted: Role, environment: Mapping[str, str] = os.environ) -> Identity | None:
    """Who runs the command; None where no tokens are configured. Raises ForbiddenError, TokensFileError."""
    if TOKENS_FILE not in environment:
        return None
    if TOKEN_FILE not in environment:
        raise ForbiddenError(
            f"{TOKEN_FILE} is not set; this needs the token of a {wanted.value}, in a file that it names"
        )
    path = Path(environment[TOKEN_FILE])
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ForbiddenError(f"{TOKEN_FILE} names {path}, which can't be read: {reason}") from None
    identity = Tokens(Path(environment[TOKENS_FILE])).identify(token)
    if identity is None:
        raise ForbiddenError(f"nobody holds the token of {path}; this needs the one of a {wanted.value}")
    if not identity.role.includes(wanted):
        raise ForbiddenError(f"{identity.name} has the role {identity.role.value}; this needs {wanted.value}")
    return identity

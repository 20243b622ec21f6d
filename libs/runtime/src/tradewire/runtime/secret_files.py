"""Settings that hold a secret, from mounted files: ``TRADEWIRE_RISK_DSN_FILE`` names the file with the DSN.

Every address may hold a password, so this goes for all names that end in ``_URL`` or ``_DSN``.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from tradewire.ports.errors import FatalError

PREFIX = "TRADEWIRE_"
SECRET_ENDS = ("_URL", "_DSN")
FILE_END = "_FILE"


class SecretFileError(FatalError):
    """A mounted file can't be used; the message names the variable and the file, never what it holds."""


def is_secret_file(name: str) -> bool:
    """Does a variable name a file with a secret?"""
    return name.startswith(PREFIX) and name.endswith(tuple(end + FILE_END for end in SECRET_ENDS))


def from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Variable → value of every secret that a file holds. Raises SecretFileError."""
    found = {}
    for variable in sorted(filter(is_secret_file, environment)):
        name = variable.removesuffix(FILE_END)
        if name in environment:
            raise SecretFileError(f"found both {name} and {variable}; allowed: one of them")
        found[name] = _content(variable, environment[variable])
    return found


def take_files(environment: MutableMapping[str, str]) -> None:
    """Put the secrets in place of the names of their files, for processes that are started with it. Raises as above."""
    found = from_files(environment)
    for name, value in found.items():
        del environment[name + FILE_END]
        environment[name] = value


def _content(variable: str, path: str) -> str:
    """The file's one line."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SecretFileError(f"{variable}: {path} can't be read: {reason}") from None
    if not text or "\n" in text:
        found = f"{len(text.splitlines())} lines" if text else "nothing"
        raise SecretFileError(f"{variable}: found {found} in {path}; allowed: one line, the address")
    return text

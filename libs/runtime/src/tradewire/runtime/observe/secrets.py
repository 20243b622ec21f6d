"""What must not be read by others: scrubbed out of every text that leaves a process.

Doors: log lines, audit events, dead letters' error messages, spans' errors, /health. Values are known in two ways: by
their shape (a URL's user and password, ``password=…``, a bearer token) and, for this process's own, by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

MASK = "***"
SECRET_CHARACTERS_MIN = 4
"""Shorter ones are not looked for by themselves: each text would be full of them."""
_NAME = r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|authorization|credential|cookie|signature)"
_SHAPES = (
    (re.compile(r"(?<=://)[^\s'\"<>]{0,512}@"), f"{MASK}@"),
    (re.compile(r"(?i)\bbearer\s{1,4}[\w.~+/=-]+"), f"Bearer {MASK}"),
    (
        re.compile(
            rf"""(?ix) ({_NAME}[\w-]{{0,32}} ['"]? \s{{0,4}}[=:]\s{{0,4}})
            (?: "[^"]*" | '[^']*' | (?:bearer|basic|digest)\s+\S+ | [^\s,;&)}}\]'"]+ )"""
        ),
        rf"\g<1>{MASK}",
    ),
)
_named_like_a_secret = re.compile(rf"(?i){_NAME}").search
_own: set[str] = set()


def remember(values: Iterable[str]) -> None:
    """Take this process's settings: passwords in the URLs among them are scrubbed wherever they turn up."""
    for value in values:
        try:
            password = urlsplit(value).password
        except ValueError:
            continue
        for form in (password, unquote(password)) if password else ():
            remember_password(form)


def remember_password(password: str) -> None:
    """Take a password by itself, e.g. one that a file holds."""
    if len(password) >= SECRET_CHARACTERS_MIN:
        _own.add(password)


def is_secret_name(name: str) -> bool:
    """Is a field with this name never to be shown?"""
    return _named_like_a_secret(name) is not None


def scrub(text: str) -> str:
    """The text without secrets."""
    for secret in _own:
        text = text.replace(secret, MASK)
    for shape, mask in _SHAPES:
        text = shape.sub(mask, text)
    return text

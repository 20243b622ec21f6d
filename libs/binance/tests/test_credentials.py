"""An account's keys are read from its files; what can't be read is named, and nothing else is taken instead."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from tradewire.binance.signatures import HmacKey, credentials_of


def files(found: dict[str, bytes | int]) -> Callable[[str], bytes]:
    """Reads these; a number is the errno of one that can't be read."""

    def read(path: str) -> bytes:
        content = found.get(path.removeprefix("keys/"), errno.ENOENT)
        if isinstance(content, int):
            raise OSError(content, os.strerror(content), path)
        return content

    return read


def test_credentials_when_there_is_no_key_pair_then_the_secret_signs() -> None:
    found = credentials_of("keys", "main", files({"main.key": b"api\n", "main.secret": b"word\n"}))
    assert (found.api_key, found.signer.sign("x")) == ("api", HmacKey("word").sign("x"))


@pytest.mark.parametrize("beside", [{}, {"main.secret": b"word"}])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EISDIR, errno.EIO])
def test_credentials_when_the_key_pair_can_not_be_read_then_its_file_is_named(
    beside: dict[str, bytes | int], number: int
) -> None:
    with pytest.raises(ValueError, match=rf"keys/main\.pem: can't be read: {os.strerror(number)}"):
        credentials_of("keys", "main", files({"main.key": b"api", "main.pem": number, **beside}))


def test_credentials_when_there_is_neither_then_both_ways_are_named() -> None:
    with pytest.raises(ValueError, match=r"No such file.*main\.key and main\.secret or main\.pem"):
        credentials_of("keys", "main", files({"main.key": b"api"}))

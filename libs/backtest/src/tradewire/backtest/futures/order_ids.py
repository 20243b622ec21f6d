"""Client order ids of many decisions at once: as the platform gives them, at a third of the cost of one by one.

Each id is a chain of hashes, one call a link. What is written around them (UUID text, base32) is done for all the ids
of a run in arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha1, sha256
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tradewire.ports.message import EVENT_NAMESPACE
from tradewire.trading.assessment.intents import BASE32, CLIENT_ID_CHARACTERS, LEG_LETTERS

Bytes: TypeAlias = NDArray[np.uint8]
IDS_AT_ONCE = 1 << 14
"""Ids that are made together: each takes half a KiB on the way."""
_UUID = 36
_PLACES = np.array([at - sum(at > dash for dash in (8, 13, 18, 23)) for at in range(_UUID)])
"""Hex digit of a hash at each character of the UUID made of it; what is no digit is written over."""
_VARIANT = np.zeros(256, dtype=np.uint8)
for _digit in b"0123456789abcdef":
    _VARIANT[_digit] = ord(f"{int(chr(_digit), 16) & 3 | 8:x}")
_LETTERS = np.frombuffer(BASE32.encode(), dtype=np.uint8)
_LETTER_SHIFTS = np.arange(35, -5, -5, dtype=np.uint64)
_BYTE_SHIFTS = np.arange(32, -8, -8, dtype=np.uint64)
_MARKS = {leg.value: f"tw{letter}-" for leg, letter in LEG_LETTERS.items()}
"""How an id begins, by leg."""


class Naming(NamedTuple):
    """What the ids of a run have in common."""

    venue: str
    interval: str
    strategy_id: str
    version: int

    def order_ids(self, decided: Iterable[tuple[str, int]], legs: Sequence[str]) -> list[str]:
        """Id of each order, from its decision's (symbol, close in UTC µs) and its leg, as `client_order_id` has it."""
        at, found = list(decided), list[str]()
        for first in range(0, len(at), IDS_AT_ONCE):
            some = slice(first, first + IDS_AT_ONCE)
            found += self._some_ids(at[some], legs[some])
        return found

    def _some_ids(self, at: Sequence[tuple[str, int]], legs: Sequence[str]) -> list[str]:
        places = {decision: place for place, decision in enumerate(dict.fromkeys(at))}  # an exit and an entry share one
        candles = [f"{self.venue}|{symbol}|candle:{self.interval}|{time_us}".encode() for symbol, time_us in places]
        snapshots = [text + b"|IndicatorsUpdated|0" for text in _uuids(candles)]
        answered = f"|StrategyEvaluated|{self.strategy_id}".encode()
        evaluations = _uuids([text + answered for text in _uuids(snapshots)])
        names = [
            f"{evaluations[places[decision]].decode()}|{self.strategy_id}|{decision[0]}|{self.version}|{leg}".encode()
            for decision, leg in zip(at, legs, strict=True)
        ]
        texts = _base32(_hashes(sha256, names))
        return [f"{_MARKS[leg]}{text}" for leg, text in zip(legs, texts, strict=True)]


def _uuids(names: Iterable[bytes]) -> list[bytes]:
    """Text of the UUID version 5 of each name (RFC 9562)."""
    prefix = EVENT_NAMESPACE.bytes
    digits = _hashes(sha1, (prefix + name for name in names)).tobytes().hex().encode()
    text = np.frombuffer(digits, dtype=np.uint8).reshape(-1, 40)[:, _PLACES]
    text[:, (8, 13, 18, 23)] = ord("-")
    text[:, 14] = ord("5")
    text[:, 19] = _VARIANT[text[:, 19]]
    return _cut(text)


def _hashes(function: Callable[[bytes], object], names: Iterable[bytes]) -> Bytes:
    """Digests, shape (n, bytes of one)."""
    found = [function(name).digest() for name in names]  # type: ignore[attr-defined]  # hashlib's type has no name
    return np.frombuffer(b"".join(found), dtype=np.uint8).reshape(len(found), -1)


def _base32(digests: Bytes) -> list[str]:
    """The first characters of each digest: five bytes are eight letters."""
    groups = -(-CLIENT_ID_CHARACTERS // 8)
    fives = digests[:, : 5 * groups].reshape(-1, groups, 5).astype(np.uint64)
    numbers = (fives << _BYTE_SHIFTS).sum(axis=2, dtype=np.uint64)[:, :, np.newaxis]
    letters = _LETTERS[(numbers >> _LETTER_SHIFTS) & np.uint64(31)]
    text = np.ascontiguousarray(letters.reshape(len(digests), -1)[:, :CLIENT_ID_CHARACTERS])
    return [line.decode() for line in _cut(text)]


def _cut(text: Bytes) -> list[bytes]:
    """Its rows."""
    width, everything = text.shape[1], text.tobytes()
    return [everything[at : at + width] for at in range(0, len(everything), width)]

"""Avro's integers: zigzag, then seven bits a byte, lowest first.

Source: Apache Avro 1.12 specification, "Binary encoding": int and long.
"""

from __future__ import annotations

from functools import lru_cache

LONGS_REMEMBERED = 8_192
"""Integers kept written: an event's times stand in each message that it causes."""
LONG_BYTES_MAX = 10
_LONG_BITS = 64
_CONTINUES = 0x80
# The eight bytes of a time in µs since the epoch, as one little-endian word: which bits say that a byte follows.
_WORD_CONTINUES = 0x8080_8080_8080_8080
_EIGHT_BYTES = 0x0080_8080_8080_8080


def varint(number: int) -> bytes:
    """An integer as Avro writes it. Raises OverflowError beyond 64 bits."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest >> _LONG_BITS:
        raise OverflowError(f"{number} has more than {_LONG_BITS} bits")
    digits = bytearray()
    while rest >= _CONTINUES:
        digits.append(rest & 0x7F | _CONTINUES)
        rest >>= 7
    digits.append(rest)
    return bytes(digits)


written_long = lru_cache(LONGS_REMEMBERED)(varint)
"""``varint`` with a memory."""

SIZES = tuple(varint(size) for size in range(4096))
"""Lengths of texts and bytes, written; longer ones are left to ``varint``."""


def read_long(value: bytes, start: int) -> tuple[int, int]:
    """Integer at ``start`` and where the next thing starts. Raises IndexError at the end, OverflowError beyond 64 bits.

    The last byte of an eight-byte integer may be cut off unnoticed: the caller sees it by the place that it ends at.
    """
    word = int.from_bytes(value[start : start + 8], "little")
    if word & _WORD_CONTINUES == _EIGHT_BYTES:
        # Seven bits of each byte, moved together in pairs, then in pairs of pairs.
        word = word & 0x007F_007F_007F_007F | (word & 0x7F00_7F00_7F00_7F00) >> 1
        word = word & 0x0000_3FFF_0000_3FFF | (word & 0x3FFF_0000_3FFF_0000) >> 2
        word = word & 0x0FFF_FFFF | (word & 0x0FFF_FFFF_0000_0000) >> 4
        return (word >> 1) ^ -(word & 1), start + 8
    rest, place = 0, start
    while (digit := value[place]) >= _CONTINUES:
        rest |= (digit & 0x7F) << 7 * (place - start)
        place += 1
        if place - start >= LONG_BYTES_MAX:
            raise OverflowError(f"an integer of more than {LONG_BYTES_MAX} bytes at {start}")
    rest |= digit << 7 * (place - start)
    if rest >> _LONG_BITS:
        raise OverflowError(f"an integer of more than {_LONG_BITS} bits at {start}")
    return (rest >> 1) ^ -(rest & 1), place + 1

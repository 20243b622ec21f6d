"""Decimals as Avro's bytes: exact or refused, whatever the exponent."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.runtime.codec.decimals import packing, unpacking

PRECISION, SCALE = 12, 4
pack, unpack = packing(PRECISION, SCALE), unpacking(PRECISION, SCALE)
numbers = st.builds(lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(), st.integers(-12, 12))


@given(numbers)
def test_number_comes_back_exactly_or_is_refused(number: Decimal) -> None:
    unscaled = number * 10**SCALE
    fits = unscaled == int(unscaled) and abs(unscaled) < 10**PRECISION
    if fits:
        assert unpack(pack(number)) == number
        assert int.from_bytes(pack(number), "big", signed=True) == unscaled
    else:
        with pytest.raises(decimal.DecimalException):
            pack(number)


@pytest.mark.parametrize("text", ["1E+999999", "1E-999999", "100000000", "0.00001", "NaN", "sNaN", "Infinity"])
def test_number_beyond_the_schema_is_refused_at_once(text: str) -> None:
    with pytest.raises((decimal.DecimalException, ValueError, OverflowError, TypeError)):
        pack(Decimal(text))


@pytest.mark.parametrize("text", ["0", "-0", "0E+50", "0E-60"])
def test_zero_is_one_byte_however_it_is_written(text: str) -> None:
    assert pack(Decimal(text)) == b"\0"


def test_equal_numbers_of_other_types_are_refused() -> None:
    pack(Decimal(1))
    with pytest.raises(AttributeError):
        pack(1.0)

"""Arrays of numbers by their address, for compiled loops that read any number of them without a copy.

Whoever hands an address over keeps the array alive as long as the loop runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.extending import intrinsic

from tradewire.backtest.compiled import compiled, compiled_in_place

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

# numba's types know neither arrays of pointers nor intrinsics, nor what they become in compiled code.
_NUMBA: Any = numba
_CARRAY = _NUMBA.carray
_FLOAT, _INT = _NUMBA.types.float64, _NUMBA.types.int64
_POINTER = _NUMBA.types.CPointer(_FLOAT)


def address_of(values: FloatArray) -> int:
    """Where the first number lies. Raises: ValueError for an array that is not float64 without gaps."""
    if values.dtype != np.float64 or not values.flags.c_contiguous:
        raise ValueError(f"an array of {values.dtype} with strides {values.strides}; float64 without gaps is needed")
    return int(values.__array_interface__["data"][0])


def _to_pointer(_: Any, address: Any) -> Any:
    """The address as a pointer to float64."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return _POINTER(_INT), write


def _to_number(_: Any, address: Any, place: Any) -> Any:
    """The number at a place of the array of this address."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(_POINTER))
        return builder.load(builder.gep(pointer, [arguments[1]]))

    return _FLOAT(_INT, _INT), write


_pointer: Any = intrinsic(_to_pointer)
_load: Any = intrinsic(_to_number)


@compiled_in_place
def number_at(address: int, place: int) -> float:
    """The number at a place of the array of this address."""
    found: float = _load(address, place)
    return found


@compiled
def numbers_at(address: int, length: int) -> FloatArray:
    """The array of this address."""
    found: FloatArray = _CARRAY(_pointer(address), (length,))
    return found

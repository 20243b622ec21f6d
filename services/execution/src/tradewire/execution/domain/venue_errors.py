"""What a venue's failure says about our request: not taken, taken before, or nobody knows.

The default is *unknown*. Only an answer that is documented to mean "not executed" is believed to mean it.
Source: Binance, "USDⓈ-M Futures Error Codes" and General Info (HTTP 503, 429, 418), 2026-03.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.execution import ALREADY_THERE, NotFound, Rejected, Unknown

DUPLICATE_ID: Final = -4116
CANCEL_REJECTED: Final = -2011
NO_SUCH_ORDER: Final = -2013
TIMED_OUT: Final = -1007
NOT_EXECUTED: Final = frozenset({-1003, -1008, -1015, -1021})
"""Too many requests, overloaded, too many orders, stale timestamp: refused at the door."""
CREDENTIALS: Final = frozenset({-1022, -2014, -2015})
"""Bad signature, bad key, key without permission or from the wrong address."""
UNCERTAIN: Final = frozenset({-1000, -1001, -1006, TIMED_OUT})
"""Unknown error, disconnected, unexpected answer, timeout: "execution status unknown"."""


@dataclass(frozen=True, slots=True)
class VenueFailure:
    """A failed call. ``http_status`` 0: no answer came; ``sent`` false: the request surely never left."""

    http_status: int = 0
    code: int = 0
    message: str = ""
    sent: bool = True


def outcome(failure: VenueFailure) -> Rejected | Unknown | NotFound:
    """What a failed submit or cancel means.

    Raises: RetryableError when it surely had no effect and may be sent again; FatalError when no call can succeed.
    """
    said = f"HTTP {failure.http_status}, code {failure.code}: {failure.message}"
    if not failure.sent or failure.http_status == 429 or failure.code in NOT_EXECUTED:
        raise RetryableError(said)
    if failure.http_status == 418 or failure.code in CREDENTIALS:
        raise FatalError(said)
    if failure.code == DUPLICATE_ID:
        return Unknown(ALREADY_THERE)
    if failure.code in (CANCEL_REJECTED, NO_SUCH_ORDER):
        return NotFound()
    if 400 <= failure.http_status < 500 and failure.code < 0 and failure.code not in UNCERTAIN:
        return Rejected(str(failure.code), failure.message)
    return Unknown(said)

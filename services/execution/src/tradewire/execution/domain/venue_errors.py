"""What a venue's failure says about our request: not taken, taken before, or nobody knows.

The default is *unknown*. Only an answer that is documented to mean "not executed" is believed to mean it.
What a code means stands in `tradewire.binance.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.binance.errors import CREDENTIALS, HTTP_BANNED, HTTP_RATE_LIMITED, NOT_EXECUTED, UNCERTAIN, ErrorCode
from tradewire.ports.broker import ALREADY_THERE, NotFound, Rejected, Unknown
from tradewire.ports.errors import FatalError, RetryableError


@dataclass(frozen=True, slots=True)
class VenueFailure:
    """A failed call. ``http_status`` 0: no answer came; ``sent`` false: the request surely never left."""

    http_status: int = 0
    code: int = 0
    message: str = ""
    sent: bool = True


def outcome(failure: VenueFailure) -> Rejected | Unknown | NotFound:
    """What a failed submit or cancel means.

    Raises: RetryableError when it surely had no effect and may be sent again, once a ban of the address is over;
    FatalError when no call can succeed.
    """
    said = f"HTTP {failure.http_status}, code {failure.code}: {failure.message}"
    limited = failure.http_status in (HTTP_RATE_LIMITED, HTTP_BANNED)
    if not failure.sent or limited or failure.code in NOT_EXECUTED:
        raise RetryableError(said)
    if failure.code in CREDENTIALS:
        raise FatalError(said)
    if failure.code == ErrorCode.DUPLICATED_CLIENT_TRAN_ID:
        return Unknown(ALREADY_THERE)
    if failure.code in (ErrorCode.CANCEL_REJECTED, ErrorCode.NO_SUCH_ORDER):
        return NotFound()
    if 400 <= failure.http_status < 500 and failure.code < 0 and failure.code not in UNCERTAIN:
        return Rejected(str(failure.code), failure.message)
    return Unknown(said)

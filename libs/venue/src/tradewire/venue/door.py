"""One call from its parameters to its answer, for REST and the WebSocket API alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.limits import BY_CALL, Endpoint
from tradewire.binance.signatures import API_KEY_HEADER
from tradewire.venue import calls_account, calls_market, calls_trading
from tradewire.venue.calls_market import Call
from tradewire.venue.refusal import Parameters, VenueRefusedError
from tradewire.venue.venue import Venue

CALLS: Final[Mapping[tuple[str, str], Call]] = MappingProxyType(
    {**calls_market.CALLS, **calls_trading.CALLS, **calls_account.CALLS}
)
"""(method, path) → what answers it."""
NO_SUCH_PATH: Final = -5000


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call as it arrived. ``payload``: what its signature signs; ``trusted``: a session has logged on before."""

    method: str
    path: str
    values: Mapping[str, str]
    payload: str
    api_key: str
    address: str
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the venue says."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Door:
    """Takes calls for a venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def answer(self, asked: HttpCall) -> HttpAnswer:
        """The answer to a call, refusals included."""
        self._venue.advance()
        endpoint = BY_CALL.get((asked.method, asked.path))
        call = CALLS.get((asked.method, asked.path))
        if endpoint is None or call is None:
            message = f"Path {asked.path}, Method {asked.method} is invalid"
            return HttpAnswer(404, {"code": NO_SUCH_PATH, "msg": message})
        try:
            body = self._checked(asked, endpoint, call)
        except VenueRefusedError as refused:
            headers = self._venue.gate.headers(asked.address, endpoint) | refused.headers
            return HttpAnswer(refused.status, refused.body, headers)
        return HttpAnswer(200, body, self._venue.gate.headers(asked.address, endpoint))

    def _checked(self, asked: HttpCall, endpoint: Endpoint, call: Call) -> Any:
        gate = self._venue.gate
        gate.weigh(asked.address, endpoint.weight(asked.values))
        if endpoint.security == "SIGNED" and not asked.trusted:
            gate.check_signed(asked.api_key, asked.values, asked.payload)
        elif endpoint.security == "KEY":
            gate.keys.of(asked.api_key)
        if endpoint.orders:
            gate.count_orders(endpoint.orders)
        return call(self._venue, Parameters({**asked.values, API_KEY_HEADER: asked.api_key}))

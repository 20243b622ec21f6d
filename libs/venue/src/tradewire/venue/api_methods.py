"""Methods of the WebSocket API, each answered by the REST call that does the same.

Source: Binance docs, "WebSocket API General Info", "Trade", "Account", "Market Data" and "User Data Streams".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.errors import ErrorCode, error_body
from tradewire.binance.limits import WEIGHT_LIMIT
from tradewire.binance.signatures import api_payload
from tradewire.venue.door import Door, HttpAnswer, HttpCall
from tradewire.venue.refusal import VenueRefusedError
from tradewire.venue.venue import Venue

METHODS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ping": ("GET", "/fapi/v1/ping"),
        "time": ("GET", "/fapi/v1/time"),
        "depth": ("GET", "/fapi/v1/depth"),
        "ticker.price": ("GET", "/fapi/v1/ticker/price"),
        "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
        "order.place": ("POST", "/fapi/v1/order"),
        "order.modify": ("PUT", "/fapi/v1/order"),
        "order.cancel": ("DELETE", "/fapi/v1/order"),
        "order.status": ("GET", "/fapi/v1/order"),
        "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
        "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
        "account.balance": ("GET", "/fapi/v2/balance"),
        "v2/account.balance": ("GET", "/fapi/v3/balance"),
        "account.status": ("GET", "/fapi/v2/account"),
        "v2/account.status": ("GET", "/fapi/v3/account"),
        "account.position": ("GET", "/fapi/v2/positionRisk"),
        "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
        "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
        "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
        "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
    }
)
"""Method → REST call."""


@dataclass(slots=True)
class ApiSession:
    """One connection to the WebSocket API. ``api_key``: of the key that has logged on; "" before."""

    venue: Venue
    door: Door
    address: str
    api_key: str = ""

    def answer(self, message: Any) -> dict[str, Any]:
        """The reply to one request."""
        if not isinstance(message, Mapping) or not isinstance(message.get("method"), str):
            return api_reply(
                None, HttpAnswer(400, error_body(ErrorCode.INVALID_PARAMETER, "A request is an object with a method."))
            )
        params = message.get("params") or {}
        if not isinstance(params, Mapping):
            return api_reply(
                message.get("id"), HttpAnswer(400, error_body(ErrorCode.INVALID_PARAMETER, "params is no object."))
            )
        return api_reply(message.get("id"), self._called(message["method"], params))

    def _called(self, method: str, params: Mapping[str, Any]) -> HttpAnswer:
        if method.startswith("session."):
            return self._session(method, params)
        if method not in METHODS:
            return HttpAnswer(400, error_body(ErrorCode.UNSUPPORTED_OPERATION, f"Method {method} is not served."))
        return self.door.answer(self._asked(*METHODS[method], params))

    def _asked(self, verb: str, path: str, params: Mapping[str, Any]) -> HttpCall:
        values = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in params.items()}
        trusted = bool(self.api_key) and "signature" not in params
        key = self.api_key if trusted else values.get("apiKey", "")
        return HttpCall(verb, path, values, api_payload(params), key, self.address, trusted=trusted)

    def _session(self, method: str, params: Mapping[str, Any]) -> HttpAnswer:
        """Log on once instead of signing each request; with an Ed25519 key only, as at Binance."""
        if method == "session.logon":
            asked = self._asked("GET", "", params)
            try:
                self.venue.gate.check_signed(asked.api_key, asked.values, asked.payload)
                self.venue.api_keys.refuse_secrets(asked.api_key)
            except VenueRefusedError as refused:
                return HttpAnswer(refused.status, refused.body)
            self.api_key = asked.api_key
        elif method == "session.logout":
            self.api_key = ""
        status = {"apiKey": self.api_key or None, "authorizedSince": None, "serverTime": self.venue.now_ms()}
        return HttpAnswer(200, status)


def api_reply(request_id: Any, answer: HttpAnswer) -> dict[str, Any]:
    """An answer as the WebSocket API writes it."""
    limits = [WEIGHT_LIMIT.as_json()]
    if answer.status == 200:
        return {"id": request_id, "status": 200, "result": answer.body, "rateLimits": limits}
    return {"id": request_id, "status": answer.status, "error": answer.body, "rateLimits": limits}

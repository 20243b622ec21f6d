"""What every answer of an HTTP face carries, and by which name a face on loopback may be called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
"""Of every answer that does not say otherwise. Answers are data: a browser that shows one runs and loads nothing."""
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, with any port: a tunnel may have another."""


class HttpFace:
    """Adds the headers; on ``loopback`` refuses a foreign Host, which a page elsewhere could bring (DNS rebinding).

    A face that others reach asks for tokens instead, which a foreign page does not have.
    """

    def __init__(self, app: Application, *, loopback: bool) -> None:
        self._app, self._loopback = app, loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [*message.get("headers", [])]
                known = {bytes(name).lower() for name, _ in given}
                own = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*given, *(pair for pair in own if pair[0] not in known)]
            await send(message)

        refusal = self._refusal(scope) if self._loopback else None
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", LOOPBACK_NAMES[0])
        name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if (name if colon and port.isdigit() else host).lower() in LOOPBACK_NAMES:
            return None
        status = HTTPStatus.MISDIRECTED_REQUEST
        detail = f"found Host {host!r}; allowed: {', '.join(LOOPBACK_NAMES)}, with any port"
        body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
        return JSONResponse(body, status.value, media_type="application/problem+json")

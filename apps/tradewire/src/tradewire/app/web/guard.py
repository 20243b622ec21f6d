"""What a request passes before a route sees it: Host, session, origin of writes; and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi.responses import HTMLResponse, JSONResponse, Response

from tradewire.app.web.keys import Keys
from tradewire.ports.clock import ClockPort

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types tradewire",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HOSTS = ("127.0.0.1", "localhost", "[::1]")
OPEN = re.compile(r"/(?:health|metrics|enter|assets/[a-z.]+)")
"""What needs no session: it tells nothing about the platform's accounts."""
CSRF_HEADER = "x-tradewire-csrf"
SIGN_IN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Signed out · tradewire</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/assets/app.css"></head>
<body><main class="plain"><h1>Signed out</h1><p>This page opens with a one-time link. On the machine that runs the
platform, type <code>tradewire dashboard</code> and open what it prints.</p></main></body></html>"""


class Guard:
    """Answers what must not pass itself; the rest goes to ``app``."""

    def __init__(self, app: Application, keys: Keys, clock: ClockPort) -> None:
        self._app, self._keys, self._clock = app, keys, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass; None for one that may."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, path = headers.get("host", ""), str(scope["path"])
        allowed = [f"{name}:{scope['server'][1]}" for name in HOSTS]  # another name: DNS rebinding
        if host not in allowed:
            return _problem(421, f"found Host {host!r}; allowed: {', '.join(allowed)}")
        scope["session"] = session = session_of(headers.get("cookie", ""), host)
        if OPEN.fullmatch(path):
            return None
        if not self._keys.knows(session, self._clock.now_us() // 1_000_000):
            page = not path.startswith(("/api/", "/web/"))
            return HTMLResponse(SIGN_IN, 401) if page else _problem(401, "signed out: type `tradewire dashboard`")
        if scope["method"] not in ("GET", "HEAD"):
            return self._foreign(headers, host, session)
        return None

    def _foreign(self, headers: dict[str, str], host: str, session: str) -> Response | None:
        """The refusal of a write that another page could have sent."""
        if headers.get("origin") != f"http://{host}":
            return _problem(403, f"found Origin {headers.get('origin')!r}; allowed: http://{host}")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _problem(403, f"found Sec-Fetch-Site {headers['sec-fetch-site']!r}; allowed: same-origin")
        if headers.get(CSRF_HEADER) != self._keys.csrf(session):
            return _problem(403, f"{CSRF_HEADER} is missing or of another session; GET /web/session has it")
        return None


def cookie_name(host: str) -> str:
    """Name of the session's cookie: browsers share cookies between the ports of a host, platforms do not."""
    return f"tradewire-{host.rpartition(':')[2]}"


def session_of(cookies: str, host: str) -> str:
    """The session that a request names; empty when it names none."""
    try:
        found = SimpleCookie(cookies).get(cookie_name(host))
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)

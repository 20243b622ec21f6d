"""The door of an HTTP face: bearer tokens (RFC 6750), refusals as Problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from tradewire.ports.errors import TradewireError
from tradewire.runtime.access.http_face import HttpFace
from tradewire.runtime.access.roles import LOCAL, Identity, Role
from tradewire.runtime.access.tokens import Tokens, TokensFileError
from tradewire.runtime.environment import SettingsRefusedError
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ROLE = "x-role"
"""Where a route's role stands in its OpenAPI description, too."""


class AccessRefusedError(TradewireError):
    """A request that is not let in."""

    def __init__(self, status: HTTPStatus, detail: str, challenge: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.challenge = status, challenge


@dataclass(frozen=True, slots=True)
class AccessUse:
    """Somebody used, or tried to use, a route that changes something. ``who``: None for a token that nobody holds."""

    who: Identity | None
    wanted: Role
    what: str
    allowed: bool


def _logged(use: AccessUse) -> None:
    who = "nobody known" if use.who is None else f"{use.who.name} ({use.who.role.value})"
    answer = "used" if use.allowed else "was refused"
    log.log(
        logging.INFO if use.allowed else logging.WARNING,
        "%s %s %s, for which the role %s is needed",
        *(who, answer, use.what, use.wanted.value),
        extra={"event": "access_used" if use.allowed else "access_refused"},
    )


@dataclass
class Access:
    """Who is let in. Without ``tokens``, on loopback: everybody."""

    tokens: Tokens | None = None
    noted: Callable[[AccessUse], None] = field(default=_logged)

    def identify(self, token: str | None, wanted: Role) -> Identity:
        """Who holds a token, when its role includes ``wanted``. Raises RefusedError."""
        if self.tokens is None:
            return LOCAL
        if token is None:
            raise AccessRefusedError(
                HTTPStatus.UNAUTHORIZED, "this needs a header: Authorization: Bearer TOKEN", "Bearer"
            )
        try:
            identity = self.tokens.identify(token)
        except TokensFileError as error:
            log.error("nobody is let in: %s", error, extra={"event": "tokens_file_refused"})
            raise AccessRefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE, "the file of tokens can't be used; the log says why"
            ) from None
        if identity is None:
            raise AccessRefusedError(HTTPStatus.UNAUTHORIZED, "nobody holds this token", 'Bearer error="invalid_token"')
        if not identity.role.includes(wanted):
            raise Forbidden(identity, wanted)
        return identity


class Forbidden(AccessRefusedError):  # noqa: N818  # HTTP's own word
    """A known person without the role that a route needs."""

    def __init__(self, identity: Identity, wanted: Role) -> None:
        detail = f"{identity.name} has the role {identity.role.value}; this needs {wanted.value}"
        challenge = f'Bearer error="insufficient_scope", scope="{wanted.value}"'
        super().__init__(HTTPStatus.FORBIDDEN, detail, challenge)
        self.identity = identity


def access_of(tokens_file: Path | None, host: str) -> Access:
    """Access to a face on ``host``. Raises SettingsRefusedError without usable tokens, except on loopback with none."""
    if tokens_file is None:
        if not is_loopback(host):
            raise SettingsRefusedError(
                f"TRADEWIRE_HTTP_HOST: found {host!r} without TRADEWIRE_TOKENS_FILE; allowed: a file of tokens "
                "(`tradewire token new`), or an address of loopback, e.g. 127.0.0.1"
            )
        return Access()
    try:
        return Access(Tokens(tokens_file))
    except TokensFileError as error:
        raise SettingsRefusedError(f"TRADEWIRE_TOKENS_FILE can't be used: {error}") from None


def face_access(services: Sequence[Service], settings: RuntimeSettings) -> Access:
    """Who may use the services' own routes; /health and /metrics are for everybody. Raises SettingsRefusedError."""
    shown = settings.http_port is not None and any(service.routes is not None for service in services)
    return access_of(settings.tokens_file, settings.http_host) if shown else Access()


def is_loopback(host: str) -> bool:
    """Can only this machine reach an address? A name other than localhost may be any address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def needs(role: Role) -> dict[str, Any]:
    """``openapi_extra`` of a route that needs another role than its method says."""
    return {_ROLE: role.value}


def guard(app: FastAPI, access: Access, host: str) -> None:
    """Let ``ADMITTED`` ask ``access``, answer refusals with Problem documents, and answer as `HttpFace` on ``host``."""
    app.state.access = access
    app.add_middleware(HttpFace, loopback=is_loopback(host))
    app.add_exception_handler(AccessRefusedError, _problem)


async def _admitted(request: Request) -> Identity:
    access: Access = request.app.state.access
    wanted, changes = _wanted(request), request.method not in READING
    what = f"{request.method} {request.url.path}"
    try:
        identity = access.identify(_bearer(request), wanted)
    except AccessRefusedError as error:
        if changes:
            access.noted(
                AccessUse(error.identity if isinstance(error, Forbidden) else None, wanted, what, allowed=False)
            )
        raise
    if changes:
        access.noted(AccessUse(identity, wanted, what, allowed=True))
    return identity


def _wanted(request: Request) -> Role:
    """The role of the route, else of the method."""
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    default = Role.VIEWER if request.method in READING else Role.OPERATOR
    return Role(extra.get(_ROLE, default.value))


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AccessRefusedError), "the handler is registered for refusals"
    headers = {} if error.challenge is None else {"WWW-Authenticate": error.challenge}
    return JSONResponse(
        {"type": "about:blank", "title": error.status.phrase, "status": error.status.value, "detail": str(error)},
        error.status.value,
        headers,
        "application/problem+json",
    )


ADMITTED = [Depends(_admitted)]
"""Dependencies of every router that is not for everybody."""
Who = Annotated[Identity, Depends(_admitted)]
"""A handler's parameter: who calls."""

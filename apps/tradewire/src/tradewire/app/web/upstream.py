"""The platform's processes as the dashboard asks them: telemetry's state API, and every process' health."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tradewire.app.operating.permission import TOKEN_FILE
from tradewire.embedded import StackPaths
from tradewire.embedded.service_processes import MONOLITH, SERVICES, VIEWS
from tradewire.ports.clock import ClockPort

ASK_SECONDS = 2.0
ANSWER_SECONDS = 30.0
KEPT_SECONDS = 1.0
"""Age up to which a report is given to the next page that asks."""
PASSED_ON = ("content-type", "cache-control")


@dataclass
class Upstream:
    """Finds the processes of the platform in ``root`` by their port files."""

    root: Path
    clock: ClockPort
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=ANSWER_SECONDS))
    _asked_s: float = -KEPT_SECONDS
    _reports: list[dict[str, Any]] = field(default_factory=list)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def pass_on(self, request: Request) -> Response:
        """Telemetry's answer to a read, streamed as it comes."""
        base = self._url("telemetry") or self._url(MONOLITH)
        if base is None:
            return _away("telemetry does not run")
        names = ("accept", "last-event-id")
        wanted = own_token() | {name: value for name in names if (value := request.headers.get(name)) is not None}
        url = httpx.URL(f"{base}{request.url.path}", query=request.url.query.encode())
        timeout = httpx.Timeout(ANSWER_SECONDS, read=None if request.url.path.endswith("/stream") else ANSWER_SECONDS)
        asked = self.client.build_request("GET", url, headers=wanted, timeout=timeout)
        try:
            answer = await self.client.send(asked, stream=True)
        except httpx.HTTPError as error:
            return _away(f"telemetry does not answer: {type(error).__name__} {error}".strip())
        headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        return StreamingResponse(_chunks(answer), answer.status_code, headers)

    async def services(self) -> list[dict[str, Any]]:
        """How each service is, in the pipeline's order: asked of each process, not of telemetry, which may be away."""
        async with self._asking:
            if self.clock.monotonic_s() - self._asked_s >= KEPT_SECONDS:
                self._reports = await self._ask_all()
                self._asked_s = self.clock.monotonic_s()
            return self._reports

    async def _ask_all(self) -> list[dict[str, Any]]:
        together = self._url(MONOLITH) is not None
        names = [MONOLITH] if together else list(SERVICES)
        names += [VIEWS] if self._url(VIEWS) is not None else []
        reports = dict(zip(names, await asyncio.gather(*map(self._health, names)), strict=True))
        asked_us = self.clock.now_us()
        processes = {name: MONOLITH if together and name != VIEWS else name for name in (*SERVICES, VIEWS)}
        return [_service(name, reports[process], asked_us) for name, process in processes.items() if process in reports]

    async def _health(self, name: str) -> dict[str, Any]:
        url = self._url(name)
        if url is None:
            return {"status": "down", "error": "it has not been started"}
        try:
            return dict((await self.client.get(f"{url}/health", timeout=ASK_SECONDS)).json())
        except (httpx.HTTPError, ValueError) as error:
            return {"status": "down", "error": f"no answer: {type(error).__name__}"}

    def _url(self, name: str) -> str | None:
        """Where a process of this platform listens; None when it never did."""
        try:
            return f"http://127.0.0.1:{int((StackPaths.under(self.root).logs / f'{name}.port').read_text())}"
        except (OSError, ValueError):
            return None

    async def close(self) -> None:
        """Let go of all connections."""
        await self.client.aclose()


def own_token(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The header of whoever runs the dashboard, where the platform asks for tokens: a session is theirs alone."""
    if TOKEN_FILE not in environment:
        return {}
    try:
        return {"authorization": f"Bearer {Path(environment[TOKEN_FILE]).read_text(encoding='utf-8').strip()}"}
    except (OSError, UnicodeDecodeError):
        return {}  # telemetry refuses, in words that the page shows


def _service(name: str, report: dict[str, Any], asked_us: int) -> dict[str, Any]:
    own: dict[str, Any] = report.get("services", {}).get(name, {})
    ready = bool(own.get("ready", report.get("status") == "ok"))
    return {
        "name": name,
        "state": "down" if report["status"] == "down" else "ready" if ready else "not ready",
        "phase": own.get("phase", "–"),
        "last_success_us": own.get("last_success_us"),
        "handled": own.get("handled", 0),
        "published": own.get("published", 0),
        "dead_letters": own.get("dead_letters", 0),
        "last_error": own.get("last_error") or report.get("error"),
        "waits_for": own.get("waits_for", []),
        "unready": own.get("unready", []),
        "asked_us": asked_us,
    }


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes; an upstream that breaks off ends it."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx.HTTPError:
        return
    finally:
        await answer.aclose()


def _away(detail: str) -> Response:
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "2"})

"""Names by which a face may be called, headers of every answer, and its document without a network."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tradewire.runtime.access.http_face import SECURITY_HEADERS, HttpFace
from tradewire.runtime.observe.health import Health, health_app
from tradewire.runtime.observe.metrics import Metrics
from tradewire.testkit.manual_clock import ManualClock

Get = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def get() -> Get:
    app = health_app(Health([], ManualClock()), Metrics(CollectorRegistry()), "tradewire telemetry")

    async def asked(path: str, host: str = "127.0.0.1:8080", *, loopback: bool = True) -> httpx.Response:
        transport = httpx.ASGITransport(HttpFace(app, loopback=loopback))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.get(path, headers={"Host": host})

    return asked


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8420", "localhost:1", "LOCALHOST:8080", "[::1]:8080", "[::1]"]
)
async def test_host_when_this_machine_then_answered(get: Get, host: str) -> None:
    assert (await get("/health/live", host)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.7:8080", ""])
async def test_host_when_foreign_then_refused_on_loopback_alone(get: Get, host: str) -> None:
    refused = await get("/health/live", host)
    assert (refused.status_code, refused.headers["content-type"]) == (421, "application/problem+json")
    assert refused.json()["detail"].startswith(f"found Host {host!r}; allowed: 127.0.0.1")
    assert (await get("/health/live", host, loopback=False)).status_code == 200


async def test_every_answer_when_read_then_with_the_headers(get: Get) -> None:
    for path, host in (("/health/live", "localhost"), ("/none", "localhost"), ("/health/live", "evil.example")):
        answer = await get(path, host)
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


async def test_docs_when_read_then_whole_without_script_or_another_host(get: Get) -> None:
    page = await get("/docs")
    assert "<code>GET /health/live</code> The event loop turns" in page.text
    assert "script" not in page.text
    assert re.findall(r'(?:src|href)="([^"]+)"', page.text) == ["/openapi.json"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")

"""The dashboard's door: one-time links, sessions, Host, origin of writes, headers; and what is behind it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tradewire.app.web.address import keys_of, one_time_link
from tradewire.app.web.guard import CSRF_HEADER, HEADERS
from tradewire.app.web.keys import LINK_SECONDS, SESSION_SECONDS, Keys
from tradewire.app.web.server import serve
from tradewire.app.web.upstream import own_token
from tradewire.runtime.clock import SystemClock

CLOCK = SystemClock()
NOW_S = 1_800_000_000


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session, before the dashboard of a platform that does not run."""
    async with serve(tmp_path, CLOCK, port=0) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


async def enter(door: httpx.AsyncClient, root: Path) -> str:
    """Open a session as the printed link does; returns its CSRF token."""
    answer = await door.get(one_time_link(root, str(door.base_url).rstrip("/"), CLOCK))
    assert answer.status_code == httpx.codes.OK
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    return str((await door.get("/web/session")).json()["csrf"])


async def test_pages_and_api_when_without_a_session_then_nothing_is_told(door: httpx.AsyncClient) -> None:
    for path in ("/", "/platform", "/healthy", "/api/v1/accounts", "/web/session", "/web/services"):
        assert (await door.get(path)).status_code == httpx.codes.UNAUTHORIZED, path
    assert (await door.get("/health")).json()["status"] == "ok"


async def test_link_when_used_twice_then_the_second_opens_nothing(door: httpx.AsyncClient, tmp_path: Path) -> None:
    link = one_time_link(tmp_path, str(door.base_url).rstrip("/"), CLOCK)
    assert (await door.get(link)).status_code == httpx.codes.OK
    assert (await door.get("/")).status_code == httpx.codes.OK
    door.cookies.clear()
    assert (await door.get(link)).status_code == httpx.codes.FORBIDDEN
    assert (await door.get("/")).status_code == httpx.codes.UNAUTHORIZED


def test_tokens_when_forged_old_or_of_another_purpose_then_refused() -> None:
    keys, others = Keys(b"k" * 32), Keys(b"o" * 32)
    link = keys.link(NOW_S)
    session = keys.enter(link, NOW_S)
    assert session is not None
    assert keys.knows(session, NOW_S + SESSION_SECONDS - 1)
    assert not keys.knows(session, NOW_S + SESSION_SECONDS)
    assert keys.enter(keys.link(NOW_S), NOW_S + LINK_SECONDS) is None
    for wrong in ("", ".", "..", "é.é.é", link, f"{NOW_S * 2}{session[session.index('.') :]}", others.link(NOW_S)):
        assert not keys.knows(wrong, NOW_S), wrong
    assert keys.enter(session, NOW_S) is None


async def test_any_request_when_its_host_is_another_name_then_refused(door: httpx.AsyncClient, tmp_path: Path) -> None:
    await enter(door, tmp_path)
    for host in ("evil.example", f"evil.example:{door.base_url.port}", "127.0.0.1", "127.0.0.1:1", ""):
        assert (await door.get("/", headers={"Host": host})).status_code == httpx.codes.MISDIRECTED_REQUEST, host


async def test_write_when_another_page_could_have_sent_it_then_refused(door: httpx.AsyncClient, tmp_path: Path) -> None:
    csrf, own = await enter(door, tmp_path), str(door.base_url).rstrip("/")
    good = {"Origin": own, "Sec-Fetch-Site": "same-origin", CSRF_HEADER: csrf}
    bad = [{name: value for name, value in good.items() if name != left} for left in ("Origin", CSRF_HEADER)]
    bad += [
        good | {"Origin": "http://evil.example"},
        good | {"Sec-Fetch-Site": "cross-site"},
        good | {CSRF_HEADER: "x"},
    ]
    for headers in bad:
        for path in ("/web/controls", "/web/dead-letters"):
            assert (await door.post(path, headers=headers)).status_code == httpx.codes.FORBIDDEN, headers


async def test_replay_when_it_can_t_be_asked_for_then_the_reason_is_told(
    door: httpx.AsyncClient, tmp_path: Path
) -> None:
    csrf = await enter(door, tmp_path)
    headers = {"Origin": str(door.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin", CSRF_HEADER: csrf}
    for service, status, says in (("risks", 422, "allowed: ingest, indicator"), ("risk", 503, "no platform runs in")):
        asked = {"service": service, "topic": "strategy.evaluation.v1", "key": "paper-1"}
        answer = await door.post("/web/dead-letters", headers=headers, json=asked)
        assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


async def test_every_answer_has_the_policy_and_no_sniffing(door: httpx.AsyncClient, tmp_path: Path) -> None:
    paths = ("/", "/assets/app.js", "/assets/none.js", "/api/v1/accounts", "/web/services", "/health", "/enter")
    shut = [await door.get(path) for path in paths]
    await enter(door, tmp_path)
    for answer in [*shut, *[await door.get(path) for path in paths], await door.get("/", headers={"Host": "other"})]:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
    assert not re.search(r"unsafe|https?:|\*", HEADERS["content-security-policy"])


async def test_platform_when_it_does_not_run_then_each_service_is_down_and_the_api_away(
    door: httpx.AsyncClient, tmp_path: Path
) -> None:
    await enter(door, tmp_path)
    services = (await door.get("/web/services")).json()["services"]
    assert {one["state"] for one in services} == {"down"}
    answer = await door.get("/api/v1/accounts")
    assert (answer.status_code, answer.json()) == (503, {"detail": "telemetry does not run"})


def test_token_when_the_platform_asks_for_them_then_the_one_of_who_runs_the_dashboard(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert own_token({}) == own_token({"TRADEWIRE_TOKEN_FILE": str(file)}) == {}
    file.write_text("abc\n")
    assert own_token({"TRADEWIRE_TOKEN_FILE": str(file)}) == {"authorization": "Bearer abc"}


def test_key_when_made_then_its_owner_alone_reads_it(tmp_path: Path) -> None:
    first = keys_of(tmp_path)
    assert keys_of(tmp_path).key == first.key
    assert (tmp_path / "web.key").stat().st_mode & 0o077 == 0

"""Who is let in at an HTTP face, and what the others are told."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from tradewire.runtime.access.http import ADMITTED, Access, AccessUse, Who, access_of, guard, needs
from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import Tokens, line_of
from tradewire.runtime.environment import SettingsRefusedError

TOKENS = {role: f"token of {role.value}" for role in Role}


def face(access: Access) -> httpx.AsyncClient:
    router, app = APIRouter(), FastAPI()

    @router.get("/state")
    async def state(who: Who) -> str:
        return who.name

    @router.post("/halt")
    async def halt(who: Who) -> str:
        return who.name

    @router.put("/strategies", openapi_extra=needs(Role.TRADER))
    async def publish() -> str:
        return "published"

    guard(app, access, "0.0.0.0")
    app.include_router(router, dependencies=ADMITTED)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    path = tmp_path / "tokens"
    path.write_text("\n".join(line_of(Identity(role.value, role), token) for role, token in TOKENS.items()))
    return Tokens(path)


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [("GET", "/state", Role.VIEWER), ("POST", "/halt", Role.OPERATOR), ("PUT", "/strategies", Role.TRADER)],
)
async def test_every_role_at_every_route(method: str, path: str, wanted: Role, tokens: Tokens) -> None:
    uses: list[AccessUse] = []
    async with face(Access(tokens, uses.append)) as client:
        for role, token in TOKENS.items():
            answer = await client.request(method, path, headers={"Authorization": f"Bearer {token}"})
            allowed = role.includes(wanted)
            assert answer.status_code == (200 if allowed else 403)
            if not allowed:
                detail = f"{role.value} has the role {role.value}; this needs {wanted.value}"
                problem = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": detail}
                assert (answer.headers["content-type"], answer.json()) == ("application/problem+json", problem)
            identity = Identity(role.value, role)
            assert uses == ([] if method == "GET" else [AccessUse(identity, wanted, f"{method} {path}", allowed)])
            uses.clear()


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer nobody's", f"Basic {TOKENS[Role.OPERATOR]}", "Bearer é"]
)
async def test_without_a_token_that_somebody_holds_then_401_and_the_try_is_noted(
    header: str | None, tokens: Tokens
) -> None:
    uses: list[AccessUse] = []
    async with face(Access(tokens, uses.append)) as client:
        headers = {} if header is None else {b"Authorization": header.encode()}
        answer = await client.post("/halt", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert uses == [AccessUse(None, Role.OPERATOR, "POST /halt", allowed=False)]


async def test_with_a_file_that_became_wrong_then_503_and_not_a_word_of_it(tokens: Tokens) -> None:
    tokens.path.write_text("alice canary x")
    async with face(Access(tokens)) as client:
        answer = await client.get("/state", headers={"Authorization": f"Bearer {TOKENS[Role.OPERATOR]}"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "canary" not in answer.text


async def test_without_tokens_then_loopback_is_open_and_no_other_address_is() -> None:
    async with face(access_of(None, "127.0.0.1")) as client:
        assert (await client.post("/halt")).json() == "local"
    for host in ("::1", "127.8.8.8", "localhost"):
        access_of(None, host)
    for host in ("0.0.0.0", "::", "10.0.0.1", "", "localhost.example", "127.1.example"):
        with pytest.raises(SettingsRefusedError, match=r"TRADEWIRE_HTTP_HOST: found .* without TRADEWIRE_TOKENS_FILE"):
            access_of(None, host)

"""The state API against its own OpenAPI document: whatever is asked, no server error, and each answer as described."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tradewire.ports.events import InstrumentChanged
from tradewire.telemetry.adapters.api.example_messages import AT_US, ORDER_ID
from tradewire.telemetry.adapters.api.examples import EXAMPLES
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

KNOWN = ("paper-1", "ema-cross-btc", "BTCUSDT", "binance", "1h", ORDER_ID, "ENTRY", "day", "FILLED", str(AT_US))
"""Values that something answers to."""
ANYTHING = st.one_of(
    st.sampled_from(KNOWN),
    st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(("", "0", "-1", "1", "nan", "1e9", "\x00", "true", "%", "1:2", "-1:", ":", "٣:x", "'; --")),
    st.text(max_size=20),
)


Asked = list[tuple[str, str | int | float | bool | None]]


class Api:
    """The whole API of the service over a desk that has seen a little of everything."""

    def __init__(self, messages: Messages) -> None:
        defaults = {n: f.get_default(call_default_factory=True) for n, f in Settings.model_fields.items()}
        service = build(Settings.model_construct(**defaults | {"telemetry_dsn": None}))
        assert service.routes is not None
        self.app = FastAPI()
        self.app.include_router(service.routes)
        takers = {source.event: source.handler for source in service.inputs}
        for event in (
            InstrumentChanged(**EXAMPLES["instruments"][0]),
            messages.candle(close_time_us=AT_US),
            messages.indicators(AT_US, {"ema(close,12)": 1.0}),
            messages.evaluation(),
            messages.assessment(),
            messages.order(),
            messages.fill(),
            messages.state(),
            messages.limits(),
            messages.gap(),
        ):
            list(takers[type(event)](event, messages.envelope(event)))
        self.document = self.app.openapi()

    def operations(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every path with its operation, but the stream, which does not end."""
        for path, methods in self.document["paths"].items():
            if not path.endswith("/stream"):
                yield path, methods["get"]

    async def _get(self, path: str, asked: Asked) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, params=httpx.QueryParams([*asked]))

    def check(self, path: str, filled: str, operation: Mapping[str, Any], asked: Asked) -> None:
        answer = asyncio.run(self._get(filled, asked))
        described = operation["responses"].get(str(answer.status_code))
        assert described is not None, f"{path} {asked}: {answer.status_code} {answer.text[:200]}"
        schema = described["content"]["application/json"]["schema"]
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole).validate(answer.json())
        if answer.status_code == 200:
            assert set(described["headers"]) <= {name.title() for name in answer.headers}


@pytest.fixture
def api(messages: Messages) -> Api:
    async def made() -> Api:
        return Api(messages)  # the stream asks for the running loop

    return asyncio.run(made())


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_path_when_anything_is_asked_then_an_answer_as_described(api: Api, data: st.DataObject) -> None:
    path, operation = data.draw(st.sampled_from(list(api.operations())))
    asked: Asked = []
    filled = path
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            value = data.draw(st.sampled_from(KNOWN) | st.text("abc-1", min_size=1))
            filled = filled.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and (parameter.get("required") or data.draw(st.booleans())):
            asked += [(parameter["name"], value) for value in data.draw(st.lists(ANYTHING, min_size=1, max_size=2))]
    api.check(path, filled, operation, asked)


def test_every_path_when_asked_plainly_then_an_answer_as_described(api: Api) -> None:
    plain = {"venue": "binance", "symbol": "BTCUSDT", "interval": "1h", "client_order_id": ORDER_ID}
    for path, operation in api.operations():
        filled = path.replace("{account_id}", "paper-1").replace("{client_order_id}", ORDER_ID)
        wanted = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        asked: Asked = [
            (name, plain[name]) for name in wanted if name in plain and not path.endswith(("explain", "log"))
        ]
        if path.endswith("explain"):
            asked = [("client_order_id", ORDER_ID)]
        api.check(path, filled, operation, asked)

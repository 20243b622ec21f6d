"""The state API over books: what is shown, chosen, paged and documented."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from tradewire.ports.bus import Place
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import ControlStatusChanged, StrategyConfigPublished, StrategyStatusChanged
from tradewire.ports.message import Event
from tradewire.runtime.dead_letters.kept import Letter
from tradewire.telemetry.adapters.api.chart import ChartRoutes
from tradewire.telemetry.adapters.api.dead_letters import DeadLetterRoutes
from tradewire.telemetry.adapters.api.examples import EXAMPLES
from tradewire.telemetry.adapters.api.explain import ExplainRoutes
from tradewire.telemetry.adapters.api.history import HistoryRoutes
from tradewire.telemetry.adapters.api.results import ResultRoutes
from tradewire.telemetry.adapters.api.state import StateRoutes
from tradewire.telemetry.adapters.decisions import DecisionMessages
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.entries import entry_of
from tradewire.telemetry.domain.seen import Seen
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


class Desk:
    """A desk, its API in this process, and what the bus is pretended to hold."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.desk, self.log_store = messages, TelemetryDesk(Books()), MemoryLogStore()
        self.ends: dict[Place, int] | None = {}
        self.app = FastAPI()
        self.routers = (
            StateRoutes(self.desk.books).router,
            ChartRoutes(self.desk.history, self.desk.books).router,
            ResultRoutes(self.desk.books).router,
            ExplainRoutes(self.desk.books, self.desk.history, DecisionMessages(self.desk.books, self.log_store)).router,
            HistoryRoutes(self.log_store, self.desk.freshness, self._ends).router,
            DeadLetterRoutes(self._no_letters, ManualClock()).router,
        )
        for router in self.routers:
            self.app.include_router(router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")

    async def _no_letters(self) -> tuple[list[Letter], bool]:
        return [], True

    async def _ends(self, places: list[Place]) -> dict[Place, int]:
        if self.ends is None:
            raise RetryableError("broker away")
        return {place: self.ends[place] for place in places}

    async def tell(self, *events: Event, **envelope: Any) -> None:
        for event in events:
            lineage = self.messages.envelope(event, **envelope)
            self.desk.on_fact(event, lineage)
            await self.log_store.record([entry_of(Seen(event, lineage), recorded_at_us=0)])

    async def get(self, path: str, expected: int = 200, /, **parameters: Any) -> Any:
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == expected, answer.text
        return answer.json()


@pytest.fixture
async def api(messages: Messages) -> AsyncIterator[Desk]:
    desk = Desk(messages)
    yield desk
    await desk.client.aclose()


async def test_accounts_when_a_state_came_then_money_is_text_with_its_digits(api: Desk, messages: Messages) -> None:
    await api.tell(messages.state(equity="10250.00000001"), messages.fill(realized_pnl="0.1"))
    (account,) = await api.get("/accounts")
    assert account["equity"] == "10250.00000001"
    assert account["strategies"] == [
        {"strategy_id": "ema-cross-btc", "realized_pnl": "0.1", "fees": "1.46000000", "fills": 1}
    ]
    assert await api.get("/accounts/paper-1") == account


async def test_account_when_unknown_then_says_which_are_known(api: Desk, messages: Messages) -> None:
    await api.tell(messages.state())
    for path in ("/accounts/paper-9", "/accounts/paper-9/equity"):
        assert await api.get(path, 404) == {"detail": "account paper-9 is unknown; known: paper-1"}


async def test_positions_when_chosen_by_symbol_then_with_each_strategy_s_share(api: Desk, messages: Messages) -> None:
    await api.tell(messages.state(), messages.state(account_id="paper-2", positions=(), strategy_positions=()))
    (position,) = await api.get("/positions", symbol="BTCUSDT")
    assert (position["account_id"], position["qty"], position["shares"]) == (
        "paper-1",
        "1.00000000",
        {"ema-cross-btc": "1"},
    )
    assert await api.get("/positions", account_id="paper-2") == []


async def test_equity_when_fewer_points_are_asked_for_then_thinned(api: Desk, messages: Messages) -> None:
    await api.tell(*(messages.state(sequence=n, event_time_us=n, equity=str(100 + n % 7)) for n in range(1, 101)))
    whole = await api.get("/accounts/paper-1/equity")
    assert (len(whole["points"]), whole["thinned"]) == (100, False)
    few = await api.get("/accounts/paper-1/equity", points=10)
    assert (len(few["points"]) <= 10, few["thinned"]) == (True, True)
    assert [p["time_us"] for p in (await api.get("/accounts/paper-1/equity", from_us=5, to_us=7))["points"]] == [5, 6]


async def test_orders_when_paged_then_each_once_newest_first(api: Desk, messages: Messages) -> None:
    await api.tell(*(messages.order(sequence=n, client_order_id=f"o{n}", event_time_us=n // 3) for n in range(1, 26)))
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        answer = await api.get("/orders", limit=7, **after)
        found += [item["event"]["client_order_id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert found == [f"o{n}" for n in range(25, 0, -1)]


async def test_orders_when_filtered_then_only_those(api: Desk, messages: Messages) -> None:
    await api.tell(
        messages.order(sequence=1, client_order_id="a", status="ACCEPTED"),
        messages.order(sequence=2, client_order_id="b", status="FILLED"),
        messages.order(sequence=3, client_order_id="c", status="UNKNOWN", strategy_id="other"),
    )

    async def chosen(**parameters: Any) -> list[str]:
        return [item["event"]["client_order_id"] for item in (await api.get("/orders", **parameters))["items"]]

    assert await chosen(status="FILLED") == ["b"]
    assert await chosen(working=True) == ["c", "a"]
    assert await chosen(working=False) == ["b"]
    assert await chosen(strategy_id="other", account_id="paper-1") == ["c"]
    assert (await api.get("/orders/c"))["event"]["status"] == "UNKNOWN"
    await api.get("/orders/d", 404)


async def test_evaluations_and_assessments_when_asked_why_then_rules_and_numbers(api: Desk, messages: Messages) -> None:
    await api.tell(
        messages.evaluation(event_time_us=1, signal="HOLD"),
        messages.evaluation(event_time_us=2),
        messages.assessment(event_time_us=1, decision="NO_SIGNAL", rules=()),
        messages.assessment(event_time_us=2),
    )
    (why,) = (await api.get("/evaluations", signal="ENTER_LONG"))["items"]
    assert why["event"]["seen"] == {"ema(close,12)": 3648.2, "ema(close,26)": 3641.9}
    assert why["trace_id"] == "5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7"
    for chosen in ({"decision": "REFUSED"}, {"rule": "max_order_notional"}):
        (refused,) = (await api.get("/assessments", **chosen))["items"]
        assert refused["event"]["rules"][0]["limit"] == "3000 USDT"
    assert (await api.get("/assessments", rule="max_leverage"))["items"] == []


async def test_strategies_when_refused_then_with_the_reason(api: Desk, messages: Messages) -> None:
    config = StrategyConfigPublished(
        strategy_id="s", version=2, document="", mode="PAPER", author="q", published_at_us=1
    )
    status = StrategyStatusChanged(
        strategy_id="s", version=2, status="REFUSED", reasons=({"message": "no"},), active=(), answered_at_us=2
    )
    await api.tell(config, status, messages.evaluation(strategy_id="s", event_time_us=7))
    (strategy,) = await api.get("/strategies")
    assert (strategy["published_version"], strategy["status"], strategy["last_evaluated_us"]) == (2, "REFUSED", 7)
    assert strategy["reasons"][0]["message"] == "no"
    api.desk.on_config_deleted("s", messages.envelope(config))
    (withdrawn,) = await api.get("/strategies")
    assert withdrawn["published_version"] is None


def obeys(service: str, instance: str, partitions: tuple[int, ...], level: str = "NO_NEW") -> ControlStatusChanged:
    in_force = {"scope": "global", "level": level, "reason": "drill", "author": "ann"}
    return ControlStatusChanged(
        service=service,
        instance=instance,
        partitions=partitions,
        control_offset=3,
        levels=(in_force | {"issued_at_us": 1, "control_offset": 3},),
        accounts=("paper-1",),
        event_time_us=7,
    )


async def test_controls_when_services_told_then_who_obeys_what_by_who_has_the_partition_now(api: Desk) -> None:
    await api.tell(
        obeys("execution", "gone", (0, 1)), obeys("execution", "new", (1,)), obeys("execution", "last", (0,))
    )
    await api.tell(obeys("risk", "spare", ()), obeys("risk", "r", (0, 1)), obeys("ingest", "i", (), "PAUSED"))
    found = await api.get("/controls")
    assert [(v["service"], v["instance"], v["partitions"]) for v in found] == [
        ("execution", "last", [0]),
        ("execution", "new", [1]),
        ("ingest", "i", []),
        ("risk", "r", [0, 1]),
    ]
    assert found[2]["levels"][0]["level"] == "PAUSED"
    assert (found[0]["control_offset"], found[0]["told_us"]) == (3, 7)


async def test_limits_when_risk_answered_then_what_it_obeys(api: Desk, messages: Messages) -> None:
    await api.tell(messages.limits(version=2, max_leverage="3"))
    (found,) = await api.get("/limits")
    assert (found["account_id"], found["version"], found["max_leverage"]) == ("paper-1", 2, "3")


async def test_log_when_asked_by_trace_then_the_whole_story_in_order(api: Desk, messages: Messages) -> None:
    other = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    await api.tell(messages.evaluation(event_time_us=1), messages.order(event_time_us=2))
    await api.tell(messages.fill(event_time_us=3), traceparent=other)
    found = await api.get("/log", trace_id="5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7", limit=1)
    assert [entry["kind"] for entry in found["entries"]] == ["StrategyEvaluated"]
    rest = await api.get("/log", trace_id="5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7", after=found["next"])
    assert [entry["kind"] for entry in rest["entries"]] == ["OrderChanged"]
    assert rest["next"] is None
    (fill,) = (await api.get("/log", kind="OrderFilled", account_id="paper-1"))["entries"]
    assert fill["payload"]["price"] == "3650.00000000"


async def test_lag_when_a_topic_is_behind_then_in_time_and_records(api: Desk, messages: Messages) -> None:
    candle, evaluation = messages.candle(), messages.evaluation()
    api.desk.on_market(candle, messages.envelope(candle, offset=9, event_time_us=5_000))
    api.desk.on_fact(evaluation, messages.envelope(evaluation, offset=3, event_time_us=2_000))
    api.ends = {Place("market.candle.v1", 0): 10, Place("strategy.evaluation.v1", 0): 6}
    assert await api.get("/lag") == [
        {"topic": "market.candle.v1", "newest_event_time_us": 5000, "behind_us": 0, "records_behind": 0},
        {"topic": "strategy.evaluation.v1", "newest_event_time_us": 2000, "behind_us": 3000, "records_behind": 2},
    ]
    limits = messages.limits()
    api.desk.on_fact(limits, messages.envelope(limits, offset=0, event_time_us=9_000_000))
    api.ends[Place("risk.limits-status.v1", 0)] = 1
    behind = {row["topic"]: row["behind_us"] for row in await api.get("/lag")}
    assert behind == {"market.candle.v1": 0, "risk.limits-status.v1": 0, "strategy.evaluation.v1": 3000}
    api.ends = None
    assert await api.get("/lag", 503) == {"detail": "the bus does not answer: broker away"}


MESSAGES = ("orders", "fills", "evaluations", "assessments", "gaps", "audits", "log")
PAGES = (*MESSAGES, "annotations", "controls/history", "trades", "dead-letters")


@pytest.mark.parametrize("path", [f"/{name}" for name in PAGES])
async def test_any_page_when_asked_wrongly_then_422(api: Desk, path: str) -> None:
    for wrong in ({"limit": 0}, {"limit": 1001}, {"after": "nonsense"}):
        await api.get(path, 422, **wrong)


def test_openapi_when_made_then_every_example_fits_its_model(api: Desk) -> None:
    shown: list[Any] = []
    for route in (route for router in api.routers for route in router.routes):
        assert isinstance(route, APIRoute)
        assert route.summary
        example = route.responses.get(200, {}).get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            model = TypeAdapter[Any](route.response_model)
            assert model.dump_python(model.validate_python(example), mode="json") == example
            shown.append(example)
    assert [name for name, example in EXAMPLES.items() if example not in shown] == []


def test_openapi_when_made_then_money_is_text_and_paths_are_described(api: Desk) -> None:
    document = api.app.openapi()
    assert document["components"]["schemas"]["AccountView"]["properties"]["equity"]["type"] == "string"
    for path, methods in document["paths"].items():
        assert methods["get"]["summary"], path
        assert methods["get"]["description"], path

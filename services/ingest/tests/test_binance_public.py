"""REST answers that are none: asked again, then said; never taken for something."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.testkit.manual_clock import ManualClock

ROW = [1_800_000_000_000, "1", "2", "0.5", "1.5", "10", 1_800_000_059_999, "1", 1, "1", "1", "0"]


class Scripted:
    """Gives its replies one after the other, the last for ever; ``waits``: what the client slept."""

    def __init__(self) -> None:
        self.replies: list[web.Response] = []
        self.waits: list[float] = []
        self.clock = ManualClock(0)
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return web.Response(body=body.body, status=body.status, headers=body.headers)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(seconds=seconds)


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    found, app = Scripted(), web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}"
    yield found
    await runner.cleanup()


def client(scripted: Scripted) -> BinancePublic:
    spent = MemorySpent(scripted.clock)
    budget = RateBudget(scripted.url, spent, spent, sleep=scripted.sleep)
    return BinancePublic(scripted.url, "1m", policy=PollPolicy(attempts=3), budget=budget, sleep=scripted.sleep)


Call = Callable[[BinancePublic], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "time": lambda rest: rest.time_ms(),
    "symbols": lambda rest: rest.symbols(),
    "klines": lambda rest: rest.klines("BTCUSDT", 0, 10),
    "marks": lambda rest: rest.marks("BTCUSDT", 0, 10),
    "funding": lambda rest: rest.settlements("BTCUSDT", 0, 1),
    "intervals": lambda rest: rest.learn_funding_intervals(),
}
NO_ANSWERS: dict[str, Callable[[], web.Response]] = {
    "page": lambda: web.Response(text="<html>maintenance</html>"),
    "number": lambda: web.json_response(7),
    "nothing": lambda: web.json_response(None),
    "text": lambda: web.json_response("soon"),
    "rows of text": lambda: web.json_response(["soon"]),
    "short rows": lambda: web.json_response([[1]]),
    "rows of nothing": lambda: web.json_response([[None] * 12]),
    "500": lambda: web.Response(status=500),
    "503": lambda: web.json_response({"code": 0, "msg": "Unknown error"}, status=503),
    "408": lambda: web.json_response({"code": -1007, "msg": "Timeout"}, status=408),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reply", NO_ANSWERS)
async def test_what_is_no_answer_is_asked_for_again_and_then_said(scripted: Scripted, call: str, reply: str) -> None:
    scripted.replies = [NO_ANSWERS[reply]()]
    rest = client(scripted)
    if (call, reply) == ("marks", "rows of nothing"):
        assert await rest.marks("BTCUSDT", 0, 10) == []  # a mark that there is not yet
    else:
        with pytest.raises(RetryableError, match="3 attempts failed"):
            await CALLS[call](rest)
        assert len(scripted.waits) == 2
    await rest.close()


async def test_numbers_keep_the_digits_that_the_venue_sent(scripted: Scripted) -> None:
    scripted.replies = [web.json_response([[*ROW[:4], "1.50000000", *ROW[5:]]])]
    rest = client(scripted)
    (bar,) = await rest.klines("BTCUSDT", 0, 10)
    (mark,) = await rest.marks("BTCUSDT", 0, 10)
    assert (bar.close, str(mark.close), mark.low) == ("1.50000000", "1.50000000", Decimal("0.5"))
    await rest.close()


async def test_funding_is_asked_for_at_each_symbols_own_times(scripted: Scripted) -> None:
    caps = {"adjustedFundingRateCap": "0.02", "adjustedFundingRateFloor": "-0.02"}
    scripted.replies = [web.json_response([{"symbol": "ETHUSDT", "fundingIntervalHours": 4, **caps}])]
    rest = client(scripted)
    await rest.learn_funding_intervals()
    hour_us, minute_us = 3_600_000_000, 60_000_000
    day_us = 20_000 * 24 * hour_us

    def asked(symbol: str, close_us: int, *, after_us: int = day_us + minute_us) -> bool:
        return rest.may_have_settled(symbol, after_us, close_us - minute_us, close_us)

    for hour in range(1, 24):
        at_us = day_us + hour * hour_us
        assert asked("BTCUSDT", at_us) is (hour % 8 == 0)
        assert asked("ETHUSDT", at_us) is (hour % 4 == 0)
        assert not asked("ETHUSDT", at_us - minute_us)
        assert asked("ETHUSDT", at_us + 3 * minute_us) is (hour % 4 == 0)  # listed late
        assert not asked("ETHUSDT", at_us + 3 * minute_us, after_us=at_us)  # told already
        assert not asked("ETHUSDT", at_us + 10 * minute_us)
    assert rest.may_have_settled("BTCUSDT", day_us + 1, day_us + 1, day_us + 20 * hour_us + 1)  # a hole of hours
    await rest.close()


async def test_a_symbol_that_is_not_listed_has_no_rows(scripted: Scripted) -> None:
    scripted.replies = [web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)]
    rest = client(scripted)
    assert await rest.klines("BTCUSDT", 0, 10) == []
    await rest.close()


async def test_a_request_that_the_venue_refuses_for_good_is_not_repeated(scripted: Scripted) -> None:
    scripted.replies = [web.json_response({"code": -1120, "msg": "Invalid interval."}, status=400)]
    rest = client(scripted)
    with pytest.raises(FatalError, match="Invalid interval"):
        await rest.klines("BTCUSDT", 0, 10)
    assert scripted.waits == []
    await rest.close()


@pytest.mark.parametrize("status", [429, 418])
async def test_where_the_venue_limits_the_address_nothing_is_asked_before_it_allows_it(
    scripted: Scripted, status: int
) -> None:
    limited = web.json_response({"code": -1003, "msg": "Too many"}, status=status, headers={"Retry-After": "7"})
    scripted.replies = [limited, web.json_response([ROW])]
    rest = client(scripted)
    (bar,) = await rest.klines("BTCUSDT", 0, 10)
    assert bar.close == "1.5"
    assert scripted.clock.monotonic_s() >= 7
    await rest.close()

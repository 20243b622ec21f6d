"""What other clients write on the kill switch's topic: obeyed or a dead letter, and the commands show the same."""

from __future__ import annotations

import random

import pytest

from tradewire.app.cli.moments import iso
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.switching import Switching
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import ControlChanged, ControlLevel, OrderChanged
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import is_letter
from tradewire.runtime.service import Service
from tradewire.testkit.builders import BTC, assessment, candle, control, instrument, intent
from tradewire.testkit.worker_rig import WorkerRig

CONTROLS = BY_EVENT[ControlChanged].name
ORDERS = BY_EVENT[OrderChanged].name
WITHIN_S = 10.0
TIMES_US = (-(2**63), -2, -1, 0, 1_764_470_000_000_000_000, 253_402_300_800_000_001, 2**63 - 1)
"""Clocks: nanoseconds, after the year 9999, before the epoch, the ends of 64 bits."""
BAD_SCOPES: tuple[str, ...] = (
    "",
    "Global",
    "acount:main",
    "account:",
    "strategy",
    "main",
    "account:a\0b",
    "strategy:" + "x" * 129,
)
BAD_SCOPES += ("service:risk", "service:", "service:\0", "x" * 100_000)


def levels(service: Service) -> object:
    return service.status()["controls"]


def written(
    rig: WorkerRig, scope: str, level: ControlLevel, issued_at_us: int = 1, key: str | None = None, **headers: str
) -> Outgoing:
    """A record of another client."""
    made = tuple((name, value.encode()) for name, value in headers.items())
    value = rig.codec.encode(control(scope, level, issued_at_us))
    return Outgoing(CONTROLS, (scope if key is None else key).encode(), value, made)


@pytest.mark.parametrize("level", ["FLATTEN", "PAUSED"])
@pytest.mark.parametrize("time_us", TIMES_US)
async def test_level_when_its_time_is_any_number_then_obeyed_and_shown(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator, time_us: int, level: str
) -> None:
    await rig.say(instrument(BTC), candle(0), assessment(0, intent("entry", qty=2)))
    await rig.until(lambda: rig.count(ORDERS) == 2)
    await rig.put(written(rig, "global", ControlLevel(level), time_us, event_time_us=str(time_us)))
    await rig.until(lambda: all(levels(service) == {"global": level} for service in platform.values()))
    await Switching(operator).switch("account:alpha", ControlLevel.NO_NEW, "all before is answered", WITHIN_S)
    asked = (await Switching(operator).asked())["global"]
    assert (asked.control.level, asked.obeyed_by, asked.not_obeyed_by) == (level, ["risk", "execution"], [])
    assert iso(asked.control.issued_at_us)
    changes = [event for _, event in await rig.said(OrderChanged) if isinstance(event, OrderChanged)]
    assert (changes[-1].status, changes[-1].reason) == ("CANCELED", f"kill_switch {level}")
    assert [rig.count(DEAD_LETTERS[name]) for name in platform] == [0, 0]


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        *((scope, scope) for scope in BAD_SCOPES),
        ("account:alpha", "global"),
        ("global", "account:alpha"),
        ("global", ""),
        ("global", "global\0"),
    ],
)
async def test_level_when_scope_or_key_is_wrong_then_a_dead_letter_and_nobody_shows_it(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator, scope: str, key: str
) -> None:
    await rig.put(written(rig, scope, ControlLevel.PAUSED, key=key))
    await Switching(operator).switch("strategy:trend", ControlLevel.NO_NEW, "drill", WITHIN_S)
    assert [levels(service) for service in platform.values()] == [{"strategy:trend": "NO_NEW"}] * 2
    for name in platform:
        (letter,) = [record for record in await rig.read(DEAD_LETTERS[name]) if is_letter(record)]
        assert dict(letter.headers)["dlq.error.stage"] == b"validate"
    assert list(await Switching(operator).asked()) == ["strategy:trend"]


async def test_controls_and_services_agree_whatever_is_written(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator
) -> None:
    chance = random.Random(7)
    scopes = ("global", "account:alpha", "strategy:trend", "account:beta", *BAD_SCOPES)
    for _ in range(200):
        scope, level = chance.choice(scopes), chance.choice(list(ControlLevel))
        record = written(rig, scope, level, chance.choice(TIMES_US), key=chance.choice((scope, scope, "global")))
        value = record.value or b""
        broken = chance.choice((value, value, value, value[: chance.randrange(len(value))], None))
        await rig.put(Outgoing(CONTROLS, record.key, broken))
    await Switching(operator).switch("strategy:trend", ControlLevel.PAUSED, "all before is answered", WITHIN_S)
    asked = await Switching(operator).asked()
    shown = {scope: one.control.level.value for scope, one in asked.items()}
    assert [levels(service) for service in platform.values()] == [shown] * 2
    assert all(one.not_obeyed_by == [] for one in asked.values())

"""A strategy published before its markets are known: answered once they are, refused only once they settle."""

from __future__ import annotations

from tradewire.ports.events import ConfigStatus, StrategyConfigPublished, StrategyStatusChanged
from tradewire.ports.message import WaitReason
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.testkit.builders import BTC, ETH, envelope, instrument
from tradewire.testkit.strategies import config, document

NOW_US = 77


def desk_asked(*questions: StrategyConfigPublished) -> StrategyDesk:
    """A leading desk that knows one market."""
    desk = StrategyDesk()
    desk.own([0])
    desk.on_instrument(instrument(BTC), envelope(instrument(BTC)))
    for question in questions:
        desk.on_config(question, envelope(question))
    return desk


def ticked(desk: StrategyDesk, now_us: int) -> list[StrategyStatusChanged]:
    """What a tick says."""
    return [said for emit in desk.tick(now_us) if isinstance(said := emit.event, StrategyStatusChanged)]


def test_config_when_published_before_its_markets_are_read_then_answered_when_they_are() -> None:
    desk = desk_asked(config(document("trend", "alpha", BTC, ETH)))
    early = [answer for tick in range(3) for answer in ticked(desk, NOW_US + tick * QUIET_US // 4)]
    desk.on_instrument(instrument(ETH), envelope(instrument(ETH)))
    assert list(desk.waits()) == [WaitReason("instruments", "trend: instruments of its markets")]
    (answer,) = ticked(desk, NOW_US + QUIET_US // 2)
    assert (early, answer.status) == ([], ConfigStatus.ACCEPTED)
    assert list(desk.waits()) == []


def test_config_when_another_process_answers_then_nothing_is_waited_for() -> None:
    desk = desk_asked(config(document("trend", "alpha", BTC, ETH)))
    desk.forget([0])
    assert list(desk.waits()) == []


def test_config_when_markets_still_arrive_then_refused_only_once_they_settle() -> None:
    desk = desk_asked(config(document("trend", "alpha", "DOGEUSDT")))
    told = []
    for number in range(5):
        desk.on_instrument(instrument(f"N{number}USDT"), envelope(instrument(f"N{number}USDT")))
        told += ticked(desk, NOW_US + number * (QUIET_US - 1))
    (answer,) = ticked(desk, NOW_US + 5 * QUIET_US)
    assert (told, answer.status) == ([], ConfigStatus.REFUSED)


def test_config_when_every_market_is_known_then_answered_at_once_beside_one_that_waits() -> None:
    desk = desk_asked(config(document("waits", "alpha", "DOGEUSDT")), config(document("trend", "alpha", BTC)))
    assert [answer.strategy_id for answer in ticked(desk, NOW_US)] == ["trend"]

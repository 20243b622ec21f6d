"""Every recorded and documented message of the shared data is read and written again without loss."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewire.binance import replies
from tradewire.binance.depth import DepthSnapshot
from tradewire.binance.streams import EVENTS, UnknownEvent, Unknowns, read_messages, write_event
from tradewire.binance.wire import Wire

SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)
REPLIES: dict[str, type[Wire]] = {
    "TestGetBalance": replies.BalanceReply,
    "commission_rate_service_test.go:": replies.CommissionRate,
    "TestGetFundingRateInfo": replies.FundingInfo,
    "TestIncomeHistory": replies.Income,
    "TestGetPremiumIndex": replies.PremiumIndex,
    "TestGetFundingRate": replies.FundingRate,
    "TestGetLeverageBracket": replies.SymbolBrackets,
    "TestCreateOrder": replies.OrderReply,
    "TestCreateOrderId": replies.OrderReply,
    "TestListOpenOrders": replies.OrderReply,
    "TestGetOpenOrder": replies.OrderReply,
    "TestGetOrder": replies.OrderReply,
    "TestListOrders": replies.OrderReply,
    "TestModifyOrder": replies.OrderReply,
    "TestCancelOrder": replies.OrderReply,
    "TestCreateBatchOrders": replies.OrderReply,
    "TestModifyBatchOrders": replies.OrderReply,
    "TestGetPositionRiskV2": replies.PositionRiskV2,
    "TestGetPositionRisk": replies.PositionRisk,
    "TestAccountTradeList": replies.UserTrade,
    "TestStartUserStream": replies.ListenKeyReply,
    "TestChangeMarginType": replies.ErrorReply,
    "TestChangePositionMode": replies.ErrorReply,
}


def lines(path: Path) -> Iterator[Any]:
    whole = path.read_bytes()
    text = (gzip.decompress(whole) if path.suffix == ".gz" else whole).decode()
    yield from (json.loads(line, parse_float=Decimal) for line in text.splitlines())


def messages(folder: str) -> list[Path]:
    return sorted((SHARED / "messages" / folder).glob("*.jsonl*")) if SHARED.is_dir() else []


@needs_shared
@pytest.mark.parametrize("path", messages("by_type"), ids=lambda path: path.stem)
def test_every_message_when_read_and_written_is_as_it_was(path: Path) -> None:
    unknowns, read = Unknowns(), 0
    for line in lines(path):
        message = line["msg"]
        data = message.get("data", message)
        events = list(read_messages(message, unknowns))
        assert [write_event(event) for event in events] == (data if isinstance(data, list) else [data])
        read += len(events)
        assert not any(isinstance(event, UnknownEvent) for event in events)
    assert read > 0
    assert not unknowns.events


@needs_shared
def test_every_type_of_the_shared_messages_is_known() -> None:
    assert {path.stem for path in messages("by_type")} == set(EVENTS)


@needs_shared
@pytest.mark.parametrize("path", messages("sessions"), ids=lambda path: path.stem)
def test_every_line_of_a_session_when_read_and_written_is_as_it_was(path: Path) -> None:
    for line in lines(path):
        message = line["msg"]
        if line["kind"] == "rest_depth":
            assert DepthSnapshot.read(message).write() == message
        else:
            assert [write_event(event) for event in read_messages(message)] == [message.get("data", message)]


@needs_shared
def test_every_reply_when_read_and_written_is_as_it_was() -> None:
    read = set()
    for line in lines(SHARED / "rest" / "rest_samples.jsonl"):
        name = line["source"].split(":", 1)[1]
        kind = REPLIES.get(name) or REPLIES.get(name.rpartition(":")[2])
        if kind is None:
            continue
        read.add(name)
        for item in line["msg"] if isinstance(line["msg"], list) else [line["msg"]]:
            known = replies.ErrorReply if "msg" in item else kind
            assert known.read(item).write() == item
    assert len(read) == len(REPLIES)

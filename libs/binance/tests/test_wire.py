"""Reading and writing without loss, and what is said of a field that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.binance.market_streams import AggTrade, DepthUpdate
from tradewire.binance.replies import BinanceBracket
from tradewire.binance.streams import UnknownEvent, Unknowns, read_messages, write_event
from tradewire.binance.user_stream import OrderTradeUpdate
from tradewire.binance.wire import FieldError, Wire, on_wire

TRADE = {"e": "aggTrade", "E": 2, "a": 7, "s": "BTCUSDT", "p": "10.50", "q": "0.0", "f": 1, "l": 2, "T": 1, "m": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Wire):
    """Every kind of field."""

    number: Decimal = on_wire("n")
    maybe: Decimal | None = on_wire("o", optional=True)
    rows: tuple[tuple[Decimal, Decimal], ...] = on_wire("r")
    flag: bool = on_wire("b")


amounts = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12)
texts = st.builds(lambda number, places: f"{number:.{places}f}", amounts, st.integers(0, 8))
messages = st.fixed_dictionaries(
    {"n": texts, "r": st.lists(st.tuples(texts, texts).map(list)), "b": st.booleans()},
    optional={"o": texts | st.none() | st.just(""), "new": st.none() | st.integers() | st.text() | st.lists(texts)},
)


@given(messages)
def test_an_object_when_read_and_written_is_as_it_was(message: dict[str, Any]) -> None:
    assert Sample.read(message).write() == message


@given(messages)
def test_what_is_read_of_what_is_written_is_equal(message: dict[str, Any]) -> None:
    read = Sample.read(message)
    assert Sample.read(read.write()) == read


@pytest.mark.parametrize("text", ["0.00000000", "1E-8", "-0.00", "7.6110", "100"])
def test_a_number_keeps_its_digits(text: str) -> None:
    assert AggTrade.read(TRADE | {"p": text}).price == Decimal(text)


def test_unknown_fields_and_events_survive_and_are_counted() -> None:
    unknowns = Unknowns()
    sent = [TRADE | {"zz": [1]}, {"e": "somethingNew", "x": 1}, TRADE | {"zz": None}]
    events = list(read_messages({"stream": "x", "data": sent}, unknowns))
    assert [write_event(event) for event in events] == sent
    assert isinstance(events[1], UnknownEvent)
    assert unknowns.events == {"somethingNew": 1}
    assert unknowns.fields == {"aggTrade.zz": 2}


def test_an_unknown_field_of_a_nested_object_is_named_with_its_place() -> None:
    order = {"s": "B", "c": "x", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "1", "p": "1", "ap": "0", "sp": "0"}
    order |= {"x": "NEW", "X": "NEW", "l": "0", "z": "0", "L": "0", "ps": "BOTH", "rp": "0"}
    whole = order | {"i": 1, "T": 1, "t": 0, "m": False, "R": False, "new": 1}
    event = OrderTradeUpdate.read({"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": whole})
    assert list(event.unknown()) == ["o.new"]


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        ({"p": 10.5}, "p", "a finite decimal number as text"),
        ({"p": "NaN"}, "p", "a finite decimal number as text"),
        ({"p": " 1"}, "p", "a finite decimal number as text"),
        ({"a": True}, "a", "a whole number"),
        ({"s": None}, "s", "text"),
        ({"m": "true"}, "m", "true or false"),
    ],
)
def test_a_wrong_field_is_refused_with_what_is_allowed(change: dict[str, Any], field: str, allowed: str) -> None:
    with pytest.raises(FieldError) as refused:
        AggTrade.read(TRADE | change)
    assert (refused.value.field, refused.value.allowed) == (field, allowed)


def test_a_level_without_a_quantity_is_refused() -> None:
    update = {"e": "depthUpdate", "E": 1, "T": 1, "s": "B", "U": 1, "u": 2, "pu": 0, "b": [["1.0"]], "a": []}
    with pytest.raises(FieldError, match=r"b\[0\]: found \['1.0'\], allowed a list of 2"):
        DepthUpdate.read(update)


def test_a_json_number_stays_one() -> None:
    bracket = {"bracket": 1, "initialLeverage": 75, "notionalCap": 10000, "notionalFloor": 0, "cum": Decimal("1.2")}
    bracket["maintMarginRatio"] = Decimal("0.0065")
    assert BinanceBracket.read(bracket).write() == bracket

"""Ids made for many orders at once are those that the platform makes for one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.futures.order_ids import Naming
from tradewire.ports.events import OrderLeg
from tradewire.ports.message import derived_id, root_id
from tradewire.trading.assessment.intents import client_order_id

words = st.text(min_size=1, max_size=70)
decisions = st.lists(st.tuples(st.sampled_from(["BTCUSDT", "ETHUSDT", "Ω"]), st.integers(1, 2**53)), max_size=8)


@settings(deadline=None)
@given(venue=words, interval=words, strategy=words, version=st.integers(1, 10**6), decided=decisions, data=st.data())
def test_ids_in_bulk(
    venue: str, interval: str, strategy: str, version: int, decided: list[tuple[str, int]], data: st.DataObject
) -> None:
    some = st.lists(st.sampled_from(OrderLeg), min_size=len(decided), max_size=len(decided))
    legs = data.draw(some)

    def one(symbol: str, time_us: int, leg: OrderLeg) -> str:
        snapshot = derived_id(root_id(venue, symbol, f"candle:{interval}", time_us), "IndicatorsUpdated", 0)
        evaluation = derived_id(snapshot, "StrategyEvaluated", strategy)
        return client_order_id(evaluation, strategy, symbol, version, leg)

    found = Naming(venue, interval, strategy, version).order_ids(decided, [leg.value for leg in legs])
    assert found == [one(*when, leg) for when, leg in zip(decided, legs, strict=True)]

"""Whatever is approved, and whenever levels change: no order does what the level in force does not let it do."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import ControlLevel, OrderChanged, OrderFilled, OrderIntent, OrderLeg, OrderType, Side
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, assessment, candle, control, intent
from tradewire.testkit.execution_desk import desk_with, fills, say
from tradewire.testkit.strategies import active, document, status

STRATEGIES = ("other", "trend")
SCOPES = ("global", "account:alpha", "account:beta", *(f"strategy:{name}" for name in STRATEGIES))
CONTROLS = st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(list(ControlLevel))), max_size=2)
SIDES = {"buy": (Side.BUY, Side.SELL, 80), "sell": (Side.SELL, Side.BUY, 120)}
BARS = st.lists(
    st.tuples(
        st.integers(70, 130),
        CONTROLS,
        st.tuples(*(st.sampled_from(["none", "buy", "sell", "exit"]) for _ in STRATEGIES)),
        CONTROLS,
        st.booleans(),
    ),
    min_size=2,
    max_size=8,
)


class Run:
    """A desk with two strategies on one symbol, held to the levels in force at every message."""

    def __init__(self) -> None:
        self.desk = self._made()
        self.offset = 0

    @staticmethod
    def _made() -> ExecutionDesk:
        desk = desk_with(BTC)
        say(desk, status(active(document("other", "alpha", BTC))))
        return desk

    def share(self, strategy_id: str) -> Decimal:
        account = self.desk._account("alpha")
        return Decimal(account.shares_e8.get((strategy_id, BTC), 0)).scaleb(-8)

    def orders(self, number: int, strategy_id: str, wanted: str) -> list[OrderIntent]:
        """What risk may have approved."""
        name, share = f"{strategy_id}-{number}", self.share(strategy_id)
        if wanted == "exit" and share:
            side = Side.SELL if share > 0 else Side.BUY
            return [intent(name, side, abs(share), leg=OrderLeg.EXIT)]
        if wanted not in SIDES or share:
            return []
        side, back, stop = SIDES[wanted]
        guard = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "stop_price": Decimal(stop)}
        return [intent(name, side, 2), intent(f"{name}-stop", back, 2, parent_id=name, **guard)]

    def say(self, event: Event) -> None:
        for answer in say(self.desk, event, self.offset):
            if isinstance(answer, OrderFilled):
                self.hold(answer)

    def hold(self, fill: OrderFilled) -> None:
        level = self.desk.kill_switch.controls.level("alpha", fill.strategy_id)
        if fill.leg == OrderLeg.ENTRY:
            assert level is ControlLevel.NORMAL
        if fill.leg == OrderLeg.EXIT:
            assert level is not ControlLevel.PAUSED
            before = fill.position_after - (fill.qty if fill.side is Side.BUY else -fill.qty)
            assert level is not ControlLevel.REDUCE_ONLY or abs(fill.position_after) < abs(before)

    def switch(self, scope: str, level: ControlLevel) -> None:
        """Ask for a level: nothing fills by that, and no guard of a position goes."""
        self.offset += 1
        found = say(self.desk, control(scope, level), self.offset)
        assert fills(found) == []
        gone = {e.client_order_id for e in found if isinstance(e, OrderChanged)}
        for client_id in gone:
            entry = client_id.removesuffix("-stop")
            assert client_id == entry or entry in gone

    def hand_over(self) -> None:
        """Another process takes the account over, and reads the levels before it does."""
        account, later = self.desk._account("alpha"), self._made()
        for number, found in enumerate(self.desk.kill_switch.controls.in_force()):
            say(later, found.event, number)
        later.restore("alpha", account.saved())
        self.desk = later


@given(BARS)
def test_no_fill_is_against_the_level_in_force(
    bars: list[tuple[int, list[tuple[str, ControlLevel]], tuple[str, ...], list[tuple[str, ControlLevel]], bool]],
) -> None:
    run = Run()
    for number, (close, first, wanted, then, handed_over) in enumerate(bars):
        for scope, level in first:
            run.switch(scope, level)
        run.say(candle(number, close, high=Decimal(140), low=Decimal(60)))
        answers = [
            assessment(number, *run.orders(number, name, what), strategy_id=name, step_index=index, step_size=2)
            for index, (name, what) in enumerate(zip(STRATEGIES, wanted, strict=True))
        ]
        for scope, level in then:
            run.switch(scope, level)
        for answer in answers:
            run.say(answer)
        if handed_over:
            run.hand_over()

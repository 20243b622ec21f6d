"""Both venues that are made for tests and rehearsals keep the port's contract."""

from __future__ import annotations

from tradewire.execution.adapters.simulated_venue import SimulatedVenue
from tradewire.ports.execution import ExecutionPort
from tradewire.runtime.clock import ManualClock
from tradewire.testkit.execution_suite import SYMBOL, ExecutionSuite
from tradewire.testkit.faulty_venue import FaultyVenue
from tradewire.trading.exchange import Bar, InstrumentSpec, SimulatedExchange, brackets

E8 = 10**8
MINUTE_US = 60_000_000
PRICE = 50_000 * E8


def _exchange() -> SimulatedExchange:
    spec = InstrumentSpec(
        venue="binance",
        symbol=SYMBOL,
        tick_e8=E8 // 10,
        step_e8=E8 // 1_000,
        min_qty_e8=E8 // 1_000,
        max_qty_e8=1_000 * E8,
        min_notional_e8=5 * E8,
        maker_fee_e8=20_000,
        taker_fee_e8=40_000,
        brackets=brackets([(0, 10**15, 400_000, 125)]),
    )
    return SimulatedExchange("live-1", 1_000_000 * E8, [spec], leverages={SYMBOL: 5})


class TestSimulatedVenue(ExecutionSuite):
    """Bars of a minute around 50,000."""

    def venue(self) -> ExecutionPort:
        self.minute = 0
        self.clock = ManualClock()
        self.port_under_test = SimulatedVenue(_exchange(), self.clock)
        self.trade(self.port_under_test)
        return self.port_under_test

    def trade(self, venue: ExecutionPort) -> None:
        assert isinstance(venue, SimulatedVenue)
        open_us, close_us = self.minute * MINUTE_US, (self.minute + 1) * MINUTE_US
        venue.happen(close_us, {SYMBOL: Bar(open_us, close_us, PRICE, PRICE + E8, PRICE - E8, PRICE, 1_000 * E8)})
        self.clock.advance(seconds=60)
        self.minute += 1


class TestFaultyVenueWithoutFaults(ExecutionSuite):
    """The venue of the fault tests is a venue."""

    def venue(self) -> ExecutionPort:
        return FaultyVenue(ManualClock(), seed=1)

    def trade(self, venue: ExecutionPort) -> None:
        assert isinstance(venue, FaultyVenue)
        venue.finish()

"""Every broker keeps the port's contract."""

from __future__ import annotations

from decimal import Decimal

from tradewire.execution.adapters.simulated_broker import SimulatedBroker
from tradewire.execution.domain.arrivals import Arrived
from tradewire.ports.broker import BrokerPort
from tradewire.testkit.broker_suite import SYMBOL, BrokerSuite
from tradewire.testkit.builders import candle, envelope
from tradewire.testkit.faulty_venue import FaultyVenue
from tradewire.testkit.manual_clock import ManualClock
from tradewire.trading.exchange import InstrumentSpec, SimulatedExchange, brackets

E8 = 10**8
PRICE = Decimal(50_000)


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


class TestSimulatedBroker(BrokerSuite):
    """Bars of a minute around 50,000."""

    def venue(self) -> BrokerPort:
        self.minute = 0
        self.port_under_test = SimulatedBroker(_exchange())
        self.trade(self.port_under_test)
        return self.port_under_test

    def trade(self, venue: BrokerPort) -> None:
        assert isinstance(venue, SimulatedBroker)
        bar = candle(self.minute, PRICE, interval="1m", high=PRICE + 1, low=PRICE - 1, volume=Decimal(1_000))
        venue.happen(bar.close_time_us, {SYMBOL: Arrived.of(bar, envelope(bar))})
        self.minute += 1


class TestFaultyVenueWithoutFaults(BrokerSuite):
    """The venue of the fault tests is a venue."""

    def venue(self) -> BrokerPort:
        return FaultyVenue(ManualClock(), seed=1)

    def trade(self, venue: BrokerPort) -> None:
        assert isinstance(venue, FaultyVenue)
        venue.finish()

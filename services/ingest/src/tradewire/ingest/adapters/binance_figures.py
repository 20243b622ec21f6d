"""What following Binance tells of itself as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.ingest.adapters.binance_streams import CAUSES, StreamCounts
from tradewire.ports.metrics import Figure, Metric

CONNECTIONS = Metric("tradewire_market_streams_open", "gauge", (), "Connections to the venue's market streams.")
ENDS = Metric(
    "tradewire_market_stream_ends_total",
    "counter",
    ("cause",),
    f"Ends of connections to market streams by cause: {', '.join(CAUSES)}. Each is opened again.",
)
BACKFILLED = Metric(
    "tradewire_market_candles_backfilled_total", "counter", (), "Candles that no stream brought and REST did."
)
DROPPED = Metric(
    "tradewire_market_quotes_dropped_total", "counter", (), "Quotes that were dropped as what follows was too slow."
)
FIGURES = (CONNECTIONS, ENDS, BACKFILLED, DROPPED)


def figures(counts: StreamCounts, backfilled: int) -> Iterator[Figure]:
    """The values now."""
    yield Figure(CONNECTIONS, (), counts.open)
    yield from (Figure(ENDS, (cause,), counts.ends[cause]) for cause in CAUSES)
    yield Figure(BACKFILLED, (), backfilled)
    yield Figure(DROPPED, (), counts.dropped)

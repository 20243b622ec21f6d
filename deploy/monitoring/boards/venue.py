"""What does the venue give us, and how much may we still ask?"""

from __future__ import annotations

from deploy.monitoring.panels import Board, Panel, increase, own, rate


def venue() -> Board:
    """Market streams and the requests that all processes on an address share."""
    rows = {"Market streams": _streams(), "Requests": _requests()}
    return Board("tradewire-venue", "tradewire: venue", "What does the venue give us, and what may we still ask?", rows)


def _streams() -> list[Panel]:
    lost = {
        increase("tradewire_binance_unknown_messages_total", "kind, name", "15m"): "unknown {{kind}} {{name}}",
        increase("tradewire_market_quotes_dropped_total", "instance", "15m"): "quotes dropped",
    }
    return [
        Panel("Connections", "Open to market streams", "short", {own("tradewire_market_streams_open"): "{{instance}}"}),
        Panel(
            "Ends of connections",
            "In 15 minutes, by cause; each is opened again",
            "short",
            {increase("tradewire_market_stream_ends_total", "cause", "15m"): "{{cause}}"},
        ),
        Panel(
            "Backfilled",
            "Candles in 15 minutes that no stream brought and REST did",
            "short",
            {increase("tradewire_market_candles_backfilled_total", "instance", "15m"): "{{instance}}"},
        ),
        Panel(
            "Clock",
            "How far the venue's clock is ahead of ours",
            "s",
            {own("tradewire_exchange_clock_offset_seconds"): "{{instance}}"},
        ),
        Panel("Not understood, dropped", "In 15 minutes: unknown messages and fields, quotes dropped", "short", lost),
    ]


def _requests() -> list[Panel]:
    return [
        Panel(
            "Forecast",
            "Part of each limit that one interval takes at the present pace",
            "percentunit",
            {f"max by (limit) ({own('tradewire_rate_budget_forecast_ratio')})": "{{limit}}"},
        ),
        Panel(
            "Used",
            "Counted by all processes in the limit's interval",
            "short",
            {f"max by (limit) ({own('tradewire_rate_budget_used')})": "{{limit}}"},
        ),
        Panel(
            "Delayed",
            "Requests a second that had to wait, by lane",
            "reqps",
            {rate("tradewire_rate_budget_delays_total", "lane"): "{{lane}}"},
        ),
        Panel(
            "Delay",
            "Seconds a second that requests waited, by lane",
            "s",
            {rate("tradewire_rate_budget_delay_seconds_total", "lane"): "{{lane}}"},
        ),
    ]

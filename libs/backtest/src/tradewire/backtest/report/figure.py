"""What all figures share: they are plain values as plotly.js takes them, colours by meaning (`palette`)."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from tradewire.backtest.report.downsample import POINTS_MAX, FloatArray, IntArray, extremes, moments, numbers

Figure = dict[str, Any]
"""``data`` (list of traces) and ``layout``, JSON-able."""
Trace = dict[str, Any]


def layout(height: int, **more: Any) -> dict[str, Any]:
    """A layout without title: the page has the headings."""
    return {
        "height": height,
        "margin": {"l": 58, "r": 12, "t": 8, "b": 32},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "@ink", "size": 12, "family": "system-ui, sans-serif"},
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@faint", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        "hovermode": "closest",
        **more,
    }


def axis(**more: Any) -> dict[str, Any]:
    """An axis with a quiet grid."""
    return {"gridcolor": "@grid", "zerolinecolor": "@grid", "linecolor": "@grid", "automargin": True, **more}


def line(
    time_us: IntArray, values: FloatArray, name: str, colour: str, *, points_max: int = POINTS_MAX, **more: Any
) -> Trace:
    """A line over time with as many points as a screen shows."""
    keep = extremes(values, points_max)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name),
        "x": moments(np.asarray(time_us)[keep]),
        "y": numbers(values[keep]),
        "line": {"color": colour, "width": 1.6},
        **more,
    }

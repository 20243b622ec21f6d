"""Colours by what they mean, in a light and a dark set; figures name the meaning, the page fills in the colour.

Gains are blue and losses orange, which eyes with any colour deficiency tell apart. Source: Okabe and Ito (2008), "Color
Universal Design", darkened or lightened to a contrast of at least 3 : 1 with the ground (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "@ink": "#1c2430",
        "@faint": "#5c6675",
        "@paper": "#ffffff",
        "@grid": "#e6e9ef",
        "@gain": "#0069a8",
        "@loss": "#c24a00",
        "@main": "#0b5cad",
        "@other": "#8a6a00",
        "@wash": "rgba(194,74,0,0.18)",
        "@candleup": "#6f9fc4",
        "@candledown": "#a07850",
        "@line0": "#7b3fa0",
        "@line1": "#00795a",
        "@line2": "#a8417a",
        "@line3": "#8a6a00",
        "@line4": "#3d5bb8",
        "@line5": "#6b6f1d",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "@ink": "#e4e8ef",
        "@faint": "#9aa5b5",
        "@paper": "#171b22",
        "@grid": "#2a313c",
        "@gain": "#56b4e9",
        "@loss": "#f2913d",
        "@main": "#6cb6ff",
        "@other": "#e6c34a",
        "@wash": "rgba(242,145,61,0.22)",
        "@candleup": "#5fa8d8",
        "@candledown": "#b98a62",
        "@line0": "#c79bf2",
        "@line1": "#3ecf9f",
        "@line2": "#f08cc0",
        "@line3": "#e6c34a",
        "@line4": "#9db2ff",
        "@line5": "#c7cc5a",
    }
)
LINES = 6
"""How many colours there are for lines of the same kind."""


def coloured(part: Any, colours: Mapping[str, str]) -> Any:
    """A figure, or a part of it, with the colours of one set in place of their meanings."""
    if isinstance(part, str):
        return colours.get(part, part)
    if isinstance(part, dict):
        return {key: coloured(value, colours) for key, value in part.items()}
    if isinstance(part, list):
        return [coloured(value, colours) for value in part]
    return part

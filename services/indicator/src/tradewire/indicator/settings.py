"""Settings of the indicator service, on top of those of every service."""

from __future__ import annotations

from pydantic import Field

from tradewire.runtime.settings import RuntimeSettings
from tradewire.trading.indicators.adapters.choice import Adapter


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    indicator_adapter: Adapter = Field(
        Adapter.NATIVE, description="Library that computes indicators: native, talib or pandas-ta."
    )

"""All six services as one process, on the bus and the databases that settings name: `up --monolith` keeps it."""

from __future__ import annotations

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.indicator.settings
import tradewire.indicator.wiring
import tradewire.ingest.settings
import tradewire.ingest.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
import tradewire.strategy.settings
import tradewire.strategy.wiring
import tradewire.telemetry.settings
import tradewire.telemetry.wiring
from tradewire.runtime.environment import load
from tradewire.runtime.process import main_of_several
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.usage import answer_help


def made() -> tuple[RuntimeSettings, list[Service]]:
    """The six, each with its own settings from the environment. Raises SettingsRefusedError."""
    return load(RuntimeSettings), [
        tradewire.ingest.wiring.build(load(tradewire.ingest.settings.Settings)),
        tradewire.indicator.wiring.build(load(tradewire.indicator.settings.Settings)),
        tradewire.strategy.wiring.build(load(tradewire.strategy.settings.Settings)),
        tradewire.risk.wiring.build(load(tradewire.risk.settings.Settings)),
        tradewire.execution.wiring.build(load(tradewire.execution.settings.Settings)),
        tradewire.telemetry.wiring.build(load(tradewire.telemetry.settings.Settings)),
    ]


if __name__ == "__main__":
    answer_help(
        tradewire.ingest.settings.Settings,
        tradewire.indicator.settings.Settings,
        tradewire.strategy.settings.Settings,
        tradewire.risk.settings.Settings,
        tradewire.execution.settings.Settings,
        tradewire.telemetry.settings.Settings,
    )
    main_of_several(made, "monolith")

"""Settings of the indicator service: those of every service."""

from __future__ import annotations

from tradewire.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

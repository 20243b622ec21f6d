"""The environment of a platform's processes, judged by the command that starts them, before it starts anything."""

from __future__ import annotations

import importlib

from tradewire.app.cli.output import Exit, fail


def hold_settings() -> None:
    """Raise CommandError for a setting that a service would refuse, or that nothing has: the sentence names it.

    Each process judges its own when it starts, which is after its servers.
    """
    from tradewire.embedded.service_processes import SERVICES  # with pydantic, when it is asked for
    from tradewire.runtime.environment import SettingsRefusedError, load

    try:
        for name in SERVICES:
            load(importlib.import_module(f"tradewire.{name}.settings").Settings)
    except SettingsRefusedError as error:
        fail(str(error), Exit.USAGE)

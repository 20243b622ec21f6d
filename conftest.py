"""Of every test: property tests draw anew in each run, and no speed of the machine makes one fail.

A failing property prints its example and the ``@reproduce_failure`` line that draws it again anywhere; hypothesis
tries it first in the next run here.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "tradewire",
    derandomize=False,  # also where CI is set, for which hypothesis would draw the same every time
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tradewire")

"""Since when something waits is known for however long it does, and however much comes meanwhile."""

from __future__ import annotations

from tradewire.runtime.observe.lag import ENDS_KEPT_MAX, _Ends


def test_wait_when_more_ends_were_seen_than_are_kept_then_it_is_as_long_as_it_was() -> None:
    ends, seconds = _Ends(), 2 * ENDS_KEPT_MAX
    for second in range(seconds):
        ends.note(second + 1, 0, float(second))
    assert (ends.waiting_s(float(seconds)), len(ends.seen)) == (seconds, ENDS_KEPT_MAX)
    ends.note(seconds, seconds - 1, float(seconds))
    assert ends.waiting_s(float(seconds)) == 1.0
    ends.note(seconds, seconds, float(seconds))
    assert ends.waiting_s(float(seconds)) == 0.0

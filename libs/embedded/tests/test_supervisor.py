"""When a service that died is started again."""

from __future__ import annotations

from tradewire.embedded.supervisor import LOOP_DEATHS, STEADY_SECONDS, Restarts


def test_service_that_ends_by_itself_again_and_again_is_in_a_crash_loop_until_it_runs_for_a_while() -> None:
    restarts = Restarts()
    for death in range(LOOP_DEATHS):
        assert not restarts.is_loop(float(death))
        restarts.started(float(death))
        restarts.died(death + 0.5)
    assert restarts.is_loop(LOOP_DEATHS)
    restarts.started(LOOP_DEATHS)
    assert restarts.is_loop(LOOP_DEATHS + STEADY_SECONDS - 1)
    assert not restarts.is_loop(LOOP_DEATHS + STEADY_SECONDS)

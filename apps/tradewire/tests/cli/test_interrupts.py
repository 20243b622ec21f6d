"""Ctrl-C ends a command in order, however often it is pressed."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tradewire.app.cli.interrupts import InterruptedRunError, run_until_told


def press(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_work_that_is_not_interrupted_returns_its_value() -> None:
    async def work() -> int:
        return 7

    assert run_until_told(work, lambda _: None) == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_cancels_and_waits_for_the_clean_up(number: signal.Signals) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            press(number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    with pytest.raises(InterruptedRunError) as interrupted:
        run_until_told(work, lambda _: None)
    assert steps == ["cleaned up"]
    assert interrupted.value.exit_code == 128 + number


def test_second_signal_does_not_break_the_clean_up_off() -> None:
    told: list[int] = []
    steps: list[str] = []

    async def work() -> None:
        try:
            press()
            await asyncio.Event().wait()
        finally:
            press()
            await asyncio.sleep(0.01)  # the loop takes the signal here, in the middle of the clean-up
            press(signal.SIGTERM)
            await asyncio.sleep(0.01)
            steps.append("cleaned up")

    with pytest.raises(InterruptedRunError) as interrupted:
        run_until_told(work, told.append)
    assert steps == ["cleaned up"]
    assert told == [1, 2, 3]
    assert interrupted.value.exit_code == 130


def test_failure_without_a_signal_stays_itself() -> None:
    async def work() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError):
        run_until_told(work, lambda _: None)

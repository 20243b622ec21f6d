"""What ``tradewire dlq replay`` and ``dlq skip`` came to, in words."""

from __future__ import annotations

from typing import Any

from tradewire.app.cli.output import tell
from tradewire.app.operating.dead_letters import Replay
from tradewire.app.operating.skipping import Skipped
from tradewire.runtime.dead_letters.skip_words import SkipOutcome


def show_skip(done: Skipped) -> None:
    """What becomes of a record that is to be passed over."""
    place, answer = f"{done.skip.topic}/{done.skip.partition} offset {done.skip.offset}", done.answer
    if answer is None:
        tell(f"{done.service} has not answered yet: is it running? `tradewire status` tells", style="yellow")
        tell(f"what was asked stays: if it has not handled {place} by its next start, it passes over it then")
    elif answer.outcome is SkipOutcome.HANDLED:
        tell(f"{done.service} has handled {place} already, and reads on at offset {answer.position}", style="red")
        tell("what followed from it is written, and a skip takes nothing back; only if it is read again, as after")
        tell("its offsets are set back, is it passed over. `tradewire explain` and `tradewire trace` show what it did")
    elif answer.outcome is SkipOutcome.AHEAD:
        tell(f"{done.service} has not handled {place}, and passes over it when it comes to it", style="green")
    else:
        tell(f"{done.service} has passed over {place}", style="green")


def show_replay(done: Replay) -> None:
    """What a replay came to."""
    if not done.confirmed:
        tell(f"{done.service} has not answered yet: is it running? `tradewire status` tells", style="yellow")
        tell("the request stays and is carried out when it can be; `tradewire dlq list` tells when nothing waits")
        return
    gone = f", gave up {done.discarded}" if done.discarded else ""
    tell(f"{done.service} handled {done.replayed} letters of {done.key} from {done.topic}{gone}", style="green")
    failed, letter = done.failed_again, done.failed_letter
    if failed is None:
        tell(f"{done.key} is free")
    else:
        tell(f"letter {letter} failed again ({failed.stage}): {failed.message}", style="red")
        tell(f"{done.key} stays parked: mend the cause and replay again, or give it up: --discard {letter}")


def failure_document(done: Replay) -> dict[str, Any] | None:
    """The letter that failed again, named as ``document`` does."""
    failed = done.failed_again
    if failed is None:
        return None
    why = {"stage": failed.stage, "error_type": failed.error_type, "error_message": failed.message}
    return {"letter": done.failed_letter, **why}

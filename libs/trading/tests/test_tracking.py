"""Nothing is worked on unseen."""

from __future__ import annotations

from tradewire.trading.tracking import Tracked


def three() -> Tracked[str, list[int]]:
    tracked: Tracked[str, list[int]] = Tracked()
    for key in "abc":
        tracked.restore(key, [])
    return tracked


def test_touched_when_only_looked_at_then_nothing() -> None:
    tracked = three()
    assert tracked.known("a") == []
    assert list(tracked.peek()) == ["a", "b", "c"]
    assert "a" in tracked
    assert len(tracked) == 3
    assert tracked.touched() == []


def test_touched_when_taken_out_on_any_door_then_named_once_until_asked() -> None:
    tracked = three()
    tracked["b"].append(1)
    tracked["b"].append(2)
    assert tracked.get("a") == []
    assert tracked.get("z") is None
    tracked["d"] = [4]
    assert tracked.touched() == [("b", [1, 2]), ("a", []), ("d", [4])]
    assert tracked.touched() == []
    assert [len(state) for state in tracked.values()] == [0, 2, 0, 1]
    assert [key for key, _ in tracked.touched()] == ["a", "b", "c", "d"]


def test_touched_when_taken_out_for_good_or_put_back_as_written_then_not_named() -> None:
    tracked = three()
    assert tracked["a"] == tracked["b"] == []
    tracked.pop("a")
    tracked.restore("b", [7])
    assert tracked.touched() == []


def test_values_when_the_rest_is_taken_out_meanwhile_then_it_ends() -> None:
    tracked = three()
    for _ in tracked.values():
        for key in list(tracked.peek()):
            tracked.pop(key)
    assert len(tracked) == 0

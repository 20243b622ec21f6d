"""Ages are shown as the library's own histogram shows them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from tradewire.runtime.metrics import AGE_BUCKETS_S, AgeHistogram

NAME, TEXT = "age_seconds", "How old."


def samples(registry: CollectorRegistry) -> list[str]:
    """Lines of an exposition, without times of creation."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(st.lists(st.floats(0, 1000) | st.sampled_from(AGE_BUCKETS_S), max_size=20))
def test_ages_are_shown_as_by_a_histogram_of_the_library(ages_s: list[float]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram(NAME, TEXT, ["stage"], buckets=AGE_BUCKETS_S, registry=theirs)
    ages = AgeHistogram(NAME, TEXT, AGE_BUCKETS_S, ours)

    for stage in ("risk", "execution"):
        histogram.labels(stage)
        ages.labels(stage)
    for age_s in ages_s:
        histogram.labels("risk").observe(age_s)
        ages.labels("risk").observe(age_s)

    assert samples(ours) == samples(theirs)

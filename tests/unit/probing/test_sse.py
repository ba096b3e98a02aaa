"""The framing of streams, by the vectors that the router's Lua reads, too."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.router import vectors
from poolkeeper.probing.sse import EventReader

CASES = vectors("streams")["cases"]


def events(*pieces: bytes) -> list[tuple[str, str]]:
    reader = EventReader()
    return [(event.name, event.data) for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_stream_has_the_events_that_the_router_sees(case: dict[str, Any]) -> None:
    assert events(case["stream"].encode()) == [tuple(event) for event in case["events"]]


@given(st.sampled_from(CASES), st.lists(st.integers(0, 60), max_size=8))
def test_however_it_is_torn(case: dict[str, Any], cut_at: list[int]) -> None:
    sent = case["stream"].encode()
    edges = [0, *sorted({min(cut, len(sent)) for cut in cut_at}), len(sent)]

    assert events(*(sent[a:b] for a, b in pairwise(edges))) == [tuple(event) for event in case["events"]]


def test_an_event_is_there_with_its_last_line_end_and_not_a_byte_later() -> None:
    reader = EventReader()

    assert list(reader.feed(b"data: a\r")) == []
    assert [event.data for event in reader.feed(b"\r")] == ["a"]
    assert list(reader.feed(b"\n")) == []

"""Only a whole list, or an event about an object of the place that was asked for, is an answer."""

import json

import pytest

from poolkeeper.handlers.watch.answers import (
    Changed,
    Listed,
    Listing,
    NotAnAnswerError,
    Page,
    Place,
    bookmark,
    event_of,
    page,
)
from poolkeeper.kube.client import MOST_PAGES
from poolkeeper.kube.observe import observe
from unit.kube.things import pod

PODS = Place("Pod", "")
OF_TEAM = Place("Pod", "team")


def answer(*bodies: object, version: str = "7") -> bytes:
    return json.dumps({"metadata": {"resourceVersion": version}, "items": bodies}).encode()


def event(kind: object, body: object) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode()


def test_a_list_is_its_objects_and_its_version() -> None:
    found = page(answer({key: value for key, value in pod().items() if key != "kind"}), OF_TEAM)

    assert (found.resource_version, found.rest, [body["kind"] for body in found.bodies]) == ("7", "", ["Pod"])


def test_a_version_that_is_no_number_compares_with_nothing() -> None:
    assert listed(Page((), "opaque")).version == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"list"',
        b'{"items": []}',
        b'{"metadata": {"resourceVersion": "7"}}',
        b'{"metadata": {"resourceVersion": 7}, "items": []}',
        b'{"metadata": {"resourceVersion": "7"}, "items": {}}',
        b'{"kind": "Status", "code": 500}',
        answer(None),
        answer({"metadata": {}}),
        answer({**pod(), "metadata": {"name": "a", "namespace": "team", "uid": "u"}}),
        answer(pod())[:-1],
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"metadata": {"resourceVersion": "7"}, "items": [' + b"9" * 10_000 + b"]}",
    ],
)
def test_anything_else_is_no_list(data: bytes) -> None:
    with pytest.raises(NotAnAnswerError):
        page(data, PODS)


def listed(*pages: Page) -> Listed:
    listing = Listing(PODS)
    for one in pages:
        listing.add(one)
    return listing.whole()


def test_a_list_in_pages_is_one_list() -> None:
    found = listed(Page((pod("a"), pod("b")), "7", "next"), Page((pod("c"),), "7"))

    assert (found.version, [seen.ref.name for seen in found.seen]) == (7, ["a", "b", "c"])


def test_a_page_says_where_the_next_one_begins() -> None:
    data = json.dumps({"metadata": {"resourceVersion": "7", "continue": "next"}, "items": []}).encode()

    assert page(data, PODS).rest == "next"


@pytest.mark.parametrize(
    "pages",
    [
        (Page((), "7", "a"), Page((), "8")),
        (Page((), "7", "a"), Page((), "7", "a")),
        tuple(Page((), "7", str(number)) for number in range(MOST_PAGES)),
    ],
    ids=["of two versions", "the same page for ever", "pages for ever"],
)
def test_pages_that_make_no_list_are_none(pages: tuple[Page, ...]) -> None:
    with pytest.raises(NotAnAnswerError):
        listed(*pages)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_is_of_a_known_type_and_has_an_object(kind: str) -> None:
    changed = event_of(event(kind, pod()), OF_TEAM)

    assert changed == Changed(observe(pod()), "1", is_gone=kind == "DELETED")


def test_a_bookmark_has_a_version_and_nothing_else() -> None:
    assert event_of(event("BOOKMARK", {"metadata": {"resourceVersion": "9"}}), OF_TEAM) is None
    assert event_of(bookmark("9"), OF_TEAM) is None


@pytest.mark.parametrize(
    "line",
    [
        event("ERROR", {"code": 410}),
        event("ERROR", {"code": 500, "message": "etcdserver: no leader"}),
        event("BOOKMARK", {"metadata": {}}),
        event("SYNC", pod()),
        event(None, pod()),
        event(["ADDED"], pod()),
        event("ADDED", None),
        event("ADDED", {"metadata": None}),
        event("MODIFIED", {"metadata": {"name": "a"}}),
        b'{"type": "ADDED"}',
        b'{"object": {}}',
        b"<html>",
        event("ADDED", pod())[:-9],
    ],
)
def test_anything_else_is_no_event(line: bytes) -> None:
    with pytest.raises(NotAnAnswerError):
        event_of(line, PODS)


def test_an_object_of_another_namespace_is_none_of_ours() -> None:
    with pytest.raises(NotAnAnswerError):
        event_of(event("ADDED", pod()), Place("Pod", "other"))
    with pytest.raises(NotAnAnswerError):
        page(answer(pod()), Place("Pod", "other"))


def test_what_came_instead_is_shown_and_bounded() -> None:
    with pytest.raises(NotAnAnswerError) as seen:
        page(b"<html>" + b"x" * 10_000, PODS)

    assert str(seen.value).startswith("instead of a list: 10006 bytes that begin with '<html>x")
    assert len(str(seen.value)) < 200

"""What may be wanted again is kept small, and comes back as it was."""

import json

from poolkeeper.kube.packed import Packed
from unit.kube.things import child


def test_objects_come_back_as_they_were() -> None:
    objects = (child(data={"router.json": "größer \N{WHALE}"}), child("Service", spec={"ports": [{"port": 80}]}))

    assert Packed.of(objects).value() == list(objects)


def test_text_comes_back_as_it_was() -> None:
    assert Packed.of_text("größer \N{WHALE} \ud83d").text() == "größer \N{WHALE} \ud83d"


def test_equal_content_is_equal() -> None:
    assert Packed.of({"a": 1, "b": 2}) == Packed.of({"b": 2, "a": 1}) != Packed.of({"a": 1})


def test_they_are_smaller_than_as_text() -> None:
    objects = tuple(child(name=f"chat-{number}") for number in range(8))

    assert len(Packed.of(objects).data) < len(json.dumps(objects)) / 4

"""What may be wanted again is kept small, and comes back as it was."""

import json

from poolkeeper.kube.packed import Packed
from unit.kube.things import child


def test_objects_come_back_as_they_were() -> None:
    objects = (child(data={"router.json": "größer \N{WHALE}"}), child("Service", spec={"ports": [{"port": 80}]}))

    assert Packed.of(objects).objects() == objects


def test_they_are_smaller_than_as_text() -> None:
    objects = tuple(child(name=f"chat-{number}") for number in range(8))

    assert len(Packed.of(objects).data) < len(json.dumps(objects)) / 4

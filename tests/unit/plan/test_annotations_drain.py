"""Draining by annotation, beside what the manifest says."""

import pytest

from factories import document, endpoint, pool, serving, snapshot, state, status_update
from poolkeeper.api import labels


@pytest.mark.parametrize(
    ("declared", "annotation", "want"),
    [
        ("Active", {}, "Active"),
        ("Active", {labels.DRAIN_PREFIX + "a": "true"}, "Draining"),
        ("Active", {labels.DRAIN_PREFIX + "a": "false"}, "Active"),
        ("Active", {labels.DRAIN_PREFIX + "b": "true"}, "Active"),
        ("Active", {labels.DRAIN_PREFIX + "gone": "true"}, "Active"),
        ("Disabled", {labels.DRAIN_PREFIX + "a": "true"}, "Disabled"),
    ],
)
def test_the_mode_in_the_document(declared: str, annotation: dict[str, str], want: str) -> None:
    of = snapshot(pool([endpoint("a", mode=declared), endpoint("b")]), annotations=annotation)

    assert document(of).endpoints[0].mode == want


def test_a_first_tier_drained_by_hand_is_not_the_first() -> None:
    of = snapshot(annotations={labels.DRAIN_PREFIX + "official": "true"})

    found = status_update(serving(of, state(document(of), active_tier=1)))

    (failover,) = [one for one in found.status.conditions if one.type == "FailoverActive"]
    assert failover.status == "False"

"""A pool that was changed in any way, and back, is what it would be if its last spec had been the first: on a real API
server, whose own rules of merging and defaulting are a part of it. `make chaos` makes every move."""

import pytest

from chaos.conftest import WALKED, Started

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


def test_the_end_of_a_walk_is_what_a_fresh_apply_makes(started: Started) -> None:
    """Other moves in each run."""
    found = started.walked.result()

    assert [wrong for walked in found for wrong in walked.wrong] == [], started.moves
    assert sum(walked.steps - walked.refused for walked in found) > WALKED // 10

"""Dead is what has stopped moving, not what waits for the API server."""

import pytest

from poolkeeper.handlers.liveness import QUEUE_STUCK_S, problems
from poolkeeper.handlers.watch.streams import Watching

SILENT = {"Service": "nobody has watched it for 9 s"}


@pytest.mark.parametrize(
    ("watching", "oldest_s", "want"),
    [
        pytest.param(Watching(), QUEUE_STUCK_S, (), id="a standby, which watches nothing"),
        pytest.param(Watching(problems=SILENT), 0, (), id="a watch that fails"),
        pytest.param(
            Watching(problems=SILENT, is_dead=True),
            0,
            ("the watch of Service: nobody has watched it for 9 s",),
            id="a watch that nobody watches",
        ),
        pytest.param(
            Watching(), 200, ("the queue's oldest key waits 200 s, at most 180 s are normal",), id="the queue is stuck"
        ),
    ],
)
def test_what_is_wrong(watching: Watching, oldest_s: float, want: tuple[str, ...]) -> None:
    assert problems(watching, oldest_s) == want

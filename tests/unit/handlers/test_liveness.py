"""Dead is what has stopped moving, not what waits for the API server."""

import pytest

from poolkeeper.handlers.liveness import QUEUE_STUCK_S, WATCH_SILENT_S, Pulse, problems


@pytest.mark.parametrize(
    ("pulse", "want"),
    [
        pytest.param(Pulse({}, 0), (), id="a standby, which watches nothing"),
        pytest.param(Pulse({"Pod": 1000 - WATCH_SILENT_S}, QUEUE_STUCK_S), (), id="all just within bounds"),
        pytest.param(
            Pulse({"Pod": 999, "Service": 700}, 0),
            ("the watch of Service has not moved for 300 s, at most 240 s are normal",),
            id="one watch is silent",
        ),
        pytest.param(
            Pulse({"Pod": 999}, 200),
            ("the queue's oldest key waits 200 s, at most 180 s are normal",),
            id="the queue is stuck",
        ),
    ],
)
def test_what_is_wrong(pulse: Pulse, want: tuple[str, ...]) -> None:
    assert problems(pulse, now_s=1000) == want

"""The machine's clock is set, forward or back: nothing in flight ends by it, and nothing that is open stays open."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poolkeeper.api.router_document import AdviceDoc
from router.harness import HOME, Router, endpoint, events, eventually, policy, text_of
from testing.fakes.harness import FakeProvider

HOUR_S = 3600
SLOW = {"first_token_ms": 300.0, "token_interval_ms": 30.0, "tokens": 10}


class SetClock:
    """A data plane whose wall clock can be set; what counts steadily goes on as it does."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "offset"
        self.step(0)
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
        self.home = folder / "router"
        shutil.copytree(HOME, self.home)
        kept = "".join(f"env {name};\n" for name in self.environment)
        conf = self.home / "nginx.conf"
        conf.write_text(kept + conf.read_text())

    def step(self, seconds: float) -> None:
        """seconds: from the real time."""
        draft = self._offset.with_suffix(".new")
        draft.write_text(f"{seconds:+.0f}\n")
        draft.rename(self._offset)

    def router(self, folder: Path, workers: int = 1) -> Router:
        return Router(folder, workers=workers, environment=self.environment, home=self.home)


@pytest.fixture
def clock(tmp_path: Path) -> SetClock:
    return SetClock(tmp_path)


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def is_about(at: datetime | None, wanted: datetime) -> bool:
    return at is not None and abs(at - wanted) < timedelta(minutes=5)


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_in_flight_goes_on(tmp_path: Path, clock: SetClock, step_s: int, workers: int) -> None:
    with FakeProvider("a", params=SLOW) as fake, clock.router(tmp_path, workers) as router:
        router.serve(endpoint("a", fake))
        with router.stream() as answer:
            lines = answer.iter_lines()
            first = next(lines)
            clock.step(step_s)
            rest = list(lines)
        assert answer.headers["x-poolkeeper-attempts"] == "1"
        assert events("\n".join([first, *rest]))[-1] == "[DONE]"
        assert len(text_of("\n".join([first, *rest]))) > 0
        clock.step(2 * step_s)
        assert router.ask().status_code == 200
        assert router.endpoint("a").breaker == "Closed"
        assert len(fake.requests()) == 2


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_an_open_breaker_is_tried_again_in_its_own_time(tmp_path: Path, clock: SetClock, step_s: int) -> None:
    patient = policy(circuit_breaker={"recovery_timeout_ms": 3_000, "max_recovery_timeout_ms": 3_000})
    with FakeProvider("a") as a, FakeProvider("b") as b, clock.router(tmp_path) as router:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patient)
        a.set("error500")
        while router.endpoint("a").breaker != "Open":
            router.ask()
        a.set("ok")
        clock.step(step_s)

        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
        eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "the breaker lets one request through")


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_people_see_the_time_that_their_clocks_show(tmp_path: Path, clock: SetClock, step_s: int) -> None:
    with FakeProvider("a") as a, clock.router(tmp_path) as router:
        router.serve(endpoint("a", a))
        clock.step(step_s)
        a.set("error500")
        eventually(lambda: router.ask().status_code != 200 and router.endpoint("a").breaker == "Open", "open")
        shown = now() + timedelta(seconds=step_s)

        assert is_about(router.endpoint("a").since, shown)
        assert is_about(router.state().transitions[-1].at, shown)


def test_advice_that_comes_after_a_step_is_understood(tmp_path: Path, clock: SetClock) -> None:
    with FakeProvider("a") as a, FakeProvider("b") as b, clock.router(tmp_path) as router:
        router.serve(endpoint("a", a), endpoint("b", b))
        clock.step(HOUR_S)
        wall_ms = int((time.time() + HOUR_S) * 1000)
        over = AdviceDoc(weight_percent=0, reason="EmptyAnswer", since_ms=wall_ms - 120_000, until_ms=wall_ms - 60_000)
        valid = AdviceDoc(weight_percent=0, reason="EmptyAnswer", since_ms=wall_ms, until_ms=wall_ms + 60_000)
        router.serve(endpoint("a", a, advice=over), endpoint("b", b, advice=valid))

        assert {router.ask().headers["x-poolkeeper-endpoint"] for _ in range(10)} == {"a"}

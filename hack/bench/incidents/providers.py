"""The providers of the day: scripted, each a process of its own, the same for every gateway."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event

from hack.bench.incidents.day import PROVIDERS, changes
from testing.background import in_background
from testing.fakes.deepseek.log import Entry
from testing.fakes.harness import FakeProvider
from testing.gateways.gateway import Endpoint

KEY = "sk-incidents"
TOKENS_A_CHUNK = 4
BASE_LATENCY_MS = 80
DIALS: Mapping[str, object] = {
    "first_token_ms": float(BASE_LATENCY_MS),
    "token_interval_ms": 4.0,
    "tokens": 1000,
    "tokens_per_chunk": TOKENS_A_CHUNK,
    "keepalive_interval_ms": 200.0,
}


class Providers:
    def __init__(self, fakes: Mapping[str, FakeProvider]) -> None:
        self._fakes = fakes

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                one.name,
                f"{self._fakes[one.name].url}/v1",
                KEY,
                tier=one.tier,
                dialect="DeepSeek",
                capabilities=("PrefixCompletion",),
                max_connections=one.capacity,
                base_latency_ms=BASE_LATENCY_MS,
            )
            for one in PROVIDERS
        ]

    @contextmanager
    def playing(self, day_s: float) -> Iterator[float]:
        """The day begins, and plays until the block ends. Gives when it began, on the monotonic clock."""
        ended, began_s = Event(), time.monotonic()
        with in_background(lambda: self._play(day_s, began_s, ended), ended):
            yield began_s

    def _play(self, day_s: float, began_s: float, ended: Event) -> None:
        for change in changes(day_s):
            if ended.wait(max(0.0, began_s + change.at_s - time.monotonic())):
                return
            self.play(change.who, change.play)

    def play(self, who: str, plan: Mapping[str, object]) -> None:
        self._fakes[who].play(plan)

    def seen(self) -> Mapping[str, Sequence[Entry]]:
        """The requests that each got."""
        return {name: fake.requests() for name, fake in self._fakes.items()}

    def peaks(self) -> Mapping[str, int]:
        """The most requests at once."""
        return {name: fake.stats().max_in_flight for name, fake in self._fakes.items()}


@contextmanager
def started() -> Iterator[Providers]:
    with ExitStack() as stack:
        yield Providers(
            {
                one.name: stack.enter_context(
                    FakeProvider(
                        one.name,
                        keys=[KEY],
                        any_model=True,
                        params=DIALS,
                        max_inflight=one.capacity,
                        overload="busy503",
                        text_seed="incidents",
                        text_model="m",
                        process=True,
                        allow_header=False,
                        log_bodies=False,
                    )
                )
                for one in PROVIDERS
            }
        )

"""What affinity is for: a provider's prefix cache is used as if there were one endpoint, though there are three routers
and three endpoints, of which one fails and comes back.

The fakes cache prompts as DeepSeek does: from the start of the prompt, in whole units, by account.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import pytest

from router.harness import PEER_RESET, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider

BY_PREFIX = {"affinity": {"mode": "Prefix", "header": "x-session-id", "ttl_ms": 600_000}}
CONVERSATIONS = 24
NAMES = ("a", "b", "c")
SYSTEM = "You help with the accounts of a small firm. " * 40
NUMBERS = count()
FAULTS = ("busy503", "error500", "refuse", "rate_limit")


@dataclass
class Conversation:
    """Grows by a question and an answer each turn. Each turn goes to a router, and the same to a provider directly."""

    topic: int
    direct: FakeProvider
    messages: list[dict[str, str]] = field(default_factory=lambda: [{"role": "system", "content": SYSTEM}])
    homes: list[str] = field(default_factory=list)
    misses: int = 0
    prompt: int = 0
    """Tokens of the last one, which a prefix cache knows."""

    def ask(self, router: Router) -> None:
        question = f"Topic {self.topic}: " + "and what about the next month? " * 8
        self.messages.append({"role": "user", "content": question})
        answer = router.ask(messages=self.messages)
        assert answer.status_code == 200, answer.text
        plain_http.post(
            f"{self.direct.url}/v1/chat/completions",
            json=request(messages=self.messages), headers={"authorization": "Bearer sk-direct"},
        )  # fmt: skip
        self.homes.append(answer.headers["x-poolkeeper-endpoint"])
        usage = answer.json()["usage"]
        self.misses += usage["prompt_cache_hit_tokens"] < self.prompt
        self.prompt = usage["prompt_tokens"]
        self.messages.append({"role": "assistant", "content": answer.json()["choices"][0]["message"]["content"]})

    @property
    def moves(self) -> int:
        return sum(one != other for one, other in pairwise(self.homes))


@pytest.fixture
def fakes() -> Iterator[Sequence[FakeProvider]]:
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(FakeProvider(name, keys=[f"sk-{name}"])) for name in NAMES]


@pytest.fixture
def routers(tmp_path: Path) -> Iterator[Sequence[Router]]:
    with ExitStack() as all_of_them:
        folders = [tmp_path / str(number) for number in range(3)]
        for folder in folders:
            folder.mkdir()
        yield [all_of_them.enter_context(Router(folder, allowed_errors=PEER_RESET)) for folder in folders]


def turns(conversations: Sequence[Conversation], routers: Sequence[Router], rounds: int, rng: random.Random) -> None:
    for _ in range(rounds):
        for one in conversations:
            one.ask(rng.choice(routers))


def hit_ratio(fakes: Sequence[FakeProvider], since: Sequence[int]) -> float:
    entries = [
        entry for fake, seen in zip(fakes, since, strict=True) for entry in fake.log()[seen:] if entry.status == 200
    ]
    return sum(entry.cached_tokens for entry in entries) / sum(entry.prompt_tokens for entry in entries)


def seen(fakes: Sequence[FakeProvider]) -> list[int]:
    return [len(fake.log()) for fake in fakes]


def is_back(router: Router) -> bool:
    """Another conversation each time: one of them belongs to a."""
    answer = router.ask(messages=[{"role": "user", "content": f"Is it back? {next(NUMBERS)}"}])
    return answer.headers["x-poolkeeper-endpoint"] == "a" and router.endpoint("a").health == "Healthy"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_prefix_cache_is_used_as_if_there_were_one_endpoint(
    routers: Sequence[Router], fakes: Sequence[FakeProvider], fault: str
) -> None:
    rng = random.Random(7)
    ends = [endpoint(name, fake) for name, fake in zip(NAMES, fakes, strict=True)]
    for router in routers:
        router.serve(*ends, policy=policy(balancing=BY_PREFIX))
    with FakeProvider("direct", keys=["sk-direct"]) as direct:
        conversations = [Conversation(topic, direct) for topic in range(CONVERSATIONS)]
        turns(conversations, routers, 4, rng)
        assert {one.moves for one in conversations} == {0}

        fakes[0].set(fault)
        turns(conversations, routers, 2, rng)
        conversations += [Conversation(100 + topic, direct) for topic in range(CONVERSATIONS // 2)]
        turns(conversations, routers, 2, rng)
        fakes[0].set("ok")
        for router in routers:
            eventually(partial(is_back, router), "a takes requests again")
        turns(conversations, routers, 1, rng)
        moved = {one.topic: one.moves for one in conversations}
        since, since_direct = seen(fakes), seen([direct])
        turns(conversations, routers, 4, rng)

        assert {one.topic: one.moves for one in conversations} == moved, "nobody moves when nothing happens"
        assert hit_ratio(fakes, since) >= 0.98 * hit_ratio([direct], since_direct)
        assert max(moved.values()) == 2, "away from the one that failed, and back"
        for one in conversations:
            assert one.misses <= one.moves, (one.topic, one.homes)

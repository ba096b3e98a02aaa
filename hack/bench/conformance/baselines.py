"""The gateways that are compared, each played through all cases."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from hack.bench.conformance.side_by_side import OnResult, dealt_out, played
from testing.conformance.case import Case, Mode
from testing.conformance.stage import Result, Stage
from testing.conformance.with_gateway import GatewayUnderTest
from testing.conformance.with_litellm import LiteLLMUnderTest
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest
from testing.gateways.envoy import Envoy
from testing.gateways.gateway import Gateway
from testing.gateways.portkey import Portkey
from testing.gateways.worker_router import SGLANG_ROUTER, VLLM_ROUTER

BATCH = 60
"""Cases of one LiteLLM proxy."""
Play = Callable[[Sequence[Case], int, OnResult], tuple[str, list[Result]]]
"""Cases, how many side by side, who gets each result -> the gateway's version, all results."""


def against_poolkeeper(cases: Sequence[Case], jobs: int, on_result: OnResult) -> tuple[str, list[Result]]:
    with ExitStack() as stack:
        parts = [
            (stack.enter_context(Stage()), stack.enter_context(PoolkeeperUnderTest()), part)
            for part in dealt_out(cases, jobs)
        ]
        return parts[0][1].version(), played(parts, on_result)


def against_litellm(cases: Sequence[Case], jobs: int, on_result: OnResult) -> tuple[str, list[Result]]:
    version = ""
    results: list[Result] = []
    with ExitStack() as stack:
        stages = [stack.enter_context(Stage()) for _ in range(jobs)]
        for batch in batches_of(cases):
            parts = list(zip(stages, dealt_out(batch, jobs), strict=True))
            known = [(case, stage.endpoints(case)) for stage, part in parts for case in part]
            with LiteLLMUnderTest(known) as gateway:
                version = gateway.version()
                results += played([(stage, gateway, part) for stage, part in parts], on_result)
    return version, results


def batches_of(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """The cases that one proxy serves."""
    for start in range(0, len(cases), BATCH):
        yield cases[start : start + BATCH]


class One(NamedTuple):
    """A gateway of the comparison. sample: of each fault and mode, every so-many-th case is played; 1: all."""

    title: str
    play: Play
    sample: int = 1


def against(gateway: Gateway) -> Play:
    """A gateway that starts for each case. It has one key and one name of a model for all providers."""

    def play(cases: Sequence[Case], jobs: int, on_result: OnResult) -> tuple[str, list[Result]]:
        version = gateway.version()
        with ExitStack() as stack:
            parts = [
                (stack.enter_context(Stage(alike=True)), stack.enter_context(GatewayUnderTest(gateway)), part)
                for part in dealt_out(cases, jobs)
            ]
            return version, played(parts, on_result)

    return play


SAMPLE = 5
BASELINES: Mapping[str, One] = {
    "poolkeeper": One(PoolkeeperUnderTest.name, against_poolkeeper),
    "litellm": One(LiteLLMUnderTest.name, against_litellm),
    "envoy": One(Envoy.name, against(Envoy()), SAMPLE),
    "portkey": One(Portkey.name, against(Portkey()), SAMPLE),
    "vllm-router": One(VLLM_ROUTER.name, against(VLLM_ROUTER), SAMPLE),
    "sglang-router": One(SGLANG_ROUTER.name, against(SGLANG_ROUTER), SAMPLE),
}
"""By the name on the command line."""


def sampled(cases: Sequence[Case], every: int) -> list[Case]:
    """The first case of each fault and mode, and each `every`-th after it."""
    numbers: Counter[tuple[str, str, Mode]] = Counter()
    kept: list[Case] = []
    for case in cases:
        row = (case.klass, case.title, case.mode)
        if numbers[row] % every == 0:
            kept.append(case)
        numbers[row] += 1
    return kept

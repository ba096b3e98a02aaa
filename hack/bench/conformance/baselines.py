"""The gateways that are compared, each played through all cases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from hack.bench.conformance.side_by_side import OnResult, dealt_out, played
from testing.conformance.case import Case
from testing.conformance.stage import Result, Stage
from testing.conformance.with_litellm import LiteLLMUnderTest
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest

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


BASELINES: Mapping[str, tuple[str, Play]] = {
    "poolkeeper": (PoolkeeperUnderTest.name, against_poolkeeper),
    "litellm": (LiteLLMUnderTest.name, against_litellm),
}
"""By the name on the command line."""

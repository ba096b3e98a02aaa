"""Cases side by side: each lane has its own providers, so that lanes wait for their timers at the same time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import groupby

from testing.conformance.case import Case
from testing.conformance.stage import Gateway, Result, Stage
from testing.gateways.environments import Environment
from testing.gateways.litellm import LiteLLM
from testing.gateways.poolkeeper import Poolkeeper

BATCH = 60
"""Cases of one LiteLLM proxy."""
Told = Callable[[Result], None]


def lanes_of(cases: Sequence[Case], count: int) -> list[list[Case]]:
    """Dealt out one by one; the cases of a series stay together, because they may share a gateway."""
    dealt: list[list[Case]] = [[] for _ in range(count)]
    groups = groupby(enumerate(cases), key=lambda numbered: numbered[1].series or numbered[0])
    for number, (_, group) in enumerate(groups):
        dealt[number % count] += [case for _, case in group]
    return dealt


def against_poolkeeper(cases: Sequence[Case], count: int, told: Told) -> tuple[str, list[Result]]:
    with ExitStack() as stack:
        lanes = [
            (stack.enter_context(Stage()), stack.enter_context(Poolkeeper()), lane) for lane in lanes_of(cases, count)
        ]
        return lanes[0][1].version, _played(lanes, told)


def against_litellm(cases: Sequence[Case], count: int, told: Told, venv: Environment) -> tuple[str, list[Result]]:
    version = ""
    results: list[Result] = []
    with ExitStack() as stack:
        stages = [stack.enter_context(Stage()) for _ in range(count)]
        for batch in batches_of(cases):
            dealt = list(zip(stages, lanes_of(batch, count), strict=True))
            known = [(case, stage.endpoints(case)) for stage, lane in dealt for case in lane]
            with LiteLLM(venv.folder, known) as gateway:
                version = gateway.version
                results += _played([(stage, gateway, lane) for stage, lane in dealt], told)
    return version, results


def batches_of(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """What one proxy serves."""
    for start in range(0, len(cases), BATCH):
        yield cases[start : start + BATCH]


def _played(lanes: Sequence[tuple[Stage, Gateway, Sequence[Case]]], told: Told) -> list[Result]:
    with ThreadPoolExecutor(len(lanes)) as pool:
        futures = [pool.submit(_lane, stage, gateway, cases, told) for stage, gateway, cases in lanes]
        return [result for future in futures for result in future.result()]


def _lane(stage: Stage, gateway: Gateway, cases: Sequence[Case], told: Told) -> list[Result]:
    results: list[Result] = []
    for case in cases:
        results.append(stage.play(case, gateway))
        told(results[-1])
    return results

"""Cases side by side: each part has its own providers, so that several cases wait for their timers at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from testing.conformance.case import Case
from testing.conformance.stage import Result, Stage, UnderTest

OnResult = Callable[[Result], None]


def dealt_out(cases: Sequence[Case], count: int) -> list[list[Case]]:
    """One by one; the cases of a series stay together, because they may share a gateway."""
    dealt: list[list[Case]] = [[] for _ in range(count)]
    groups = groupby(enumerate(cases), key=lambda numbered: numbered[1].series or numbered[0])
    for number, (_, group) in enumerate(groups):
        dealt[number % count] += [case for _, case in group]
    return dealt


def played(parts: Sequence[tuple[Stage, UnderTest, Sequence[Case]]], on_result: OnResult) -> list[Result]:
    with ThreadPoolExecutor(len(parts)) as pool:
        futures = [pool.submit(_one_after_another, *part, on_result) for part in parts]
        return [result for future in futures for result in future.result()]


def _one_after_another(stage: Stage, gateway: UnderTest, cases: Sequence[Case], on_result: OnResult) -> list[Result]:
    results: list[Result] = []
    for case in cases:
        results.append(stage.play(case, gateway))
        on_result(results[-1])
    return results

"""A healthy endpoint is not called otherwise, however its first tokens jitter; one that is fifteen times slower is.

First the chance of it, exactly: every course that a run and a window of runs can take, weighed. Then whole histories,
through all that the operator does with them: the results of answers and runs, the probe status, the weight adjustment.
"""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import factories
from jitter import Jitter
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.api.status import LastProbe
from poolkeeper.plan.probe import short
from poolkeeper.plan.probe_advice import advised
from poolkeeper.probing.evaluate import Asked, judge_exchange
from poolkeeper.probing.history import fold_all
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.sample_count import next_sample
from poolkeeper.probing.window import LENGTH, ProbeStatus, Run, probe_status_of, run_of

RUNS = 500
"""Five days of the default schedule."""
SLOW = ProbeReason.SlowFirstToken
BAD, GOOD = Run(SLOW, 2, 2), Run()

POOL = factories.pool(probe={})
DOCUMENT = factories.document(factories.snapshot(POOL)).endpoints


def chance_of_a_bad_run(slow: float, wanted: int, found: tuple[ProbeReason | None, ...] = ()) -> float:
    """slow: the chance that a single sample is."""
    if next_sample(found, wanted) is None:
        run = run_of(found)
        return float(run is not None and run.reason is not None)
    after_slow = chance_of_a_bad_run(slow, wanted, (*found, SLOW))
    return slow * after_slow + (1 - slow) * chance_of_a_bad_run(slow, wanted, (*found, None))


def chance_of_an_alarm(bad_run: float, runs: int = RUNS) -> float:
    """Of a probe status that is not Healthy at some time."""
    healthy: Mapping[tuple[Run, ...], float] = {(): 1.0}
    for _ in range(runs):
        after: dict[tuple[Run, ...], float] = {}
        for before, chance in healthy.items():
            for run, weight in ((BAD, bad_run), (GOOD, 1 - bad_run)):
                window = (run, *before)[:LENGTH]
                if probe_status_of(ProbeStatus(), window) == ProbeStatus():
                    after[window] = after.get(window, 0.0) + chance * weight
        healthy = after
    return 1 - sum(healthy.values())


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 8])
def test_who_is_slow_once_in_a_hundred_requests_is_called_slow_in_no_500_runs(wanted: int) -> None:
    """As slow as spec.probe.firstToken allows: its 99th percentile is the limit itself."""
    assert chance_of_an_alarm(chance_of_a_bad_run(0.01, wanted)) < 1e-4


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 8])
def test_who_is_slow_half_of_the_time_is_called_slow(wanted: int) -> None:
    assert chance_of_an_alarm(chance_of_a_bad_run(0.5, wanted)) > 0.999


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("median_ms", [750.0, 1000.0])
def test_fifteen_times_slower_is_found_within_two_runs_all_but_surely(median_ms: float, wanted: int) -> None:
    bad_run = chance_of_a_bad_run(Jitter(15 * median_ms, 50).chance_above(3000), wanted)

    assert chance_of_an_alarm(bad_run, runs=2) > 0.99


def an_answer(first_ms: float, per_second: float, tokens: int = 64) -> Exchange:
    last_ms = first_ms + (tokens - 1) / per_second * 1000
    return Exchange(
        status=200,
        headers_ms=first_ms / 2,
        alive_ms=first_ms,
        first_content_ms=first_ms,
        last_content_ms=last_ms,
        ended_ms=last_ms,
        ending=Ending.COMPLETE,
        pieces=tokens,
        has_text=True,
        finish="length",
        model=factories.MODELS[0],
        usage=Usage(30, tokens),
    )


def a_run(answer: Callable[[], Exchange], limit_ms: int, wanted: int) -> EndpointProbe:
    """As the prober asks and judges; here answers take no time."""
    asked = Asked("DeepSeek", factories.MODELS[0], first_token_ms=limit_ms, min_tokens_per_second=5)
    found: list[ProbeReason | None] = []
    while next_sample(found, wanted) is not None:
        found.append(judge_exchange(answer(), asked))
    run = run_of(found) or Run()
    name, fingerprint = DOCUMENT[0].name, short(DOCUMENT[0].fingerprint)
    return EndpointProbe(name=name, fp=fingerprint, why=run.reason or "", bad=run.bad, asked=run.asked)


def folded(before: LastProbe | None, found: EndpointProbe) -> LastProbe:
    """A quarter of an hour later."""
    ended = (before.time if before else factories.NOW) + timedelta(minutes=15)
    after = fold_all(before, [ProbeResult(pool="default/chat", began=ended, ended=ended, endpoints=(found,))])
    assert after is not None
    return after


def is_unmarked(last: LastProbe) -> bool:
    """In the status, and in the document of the routers."""
    (one,) = last.endpoints
    return (one.verdict, one.reason) == ("Healthy", "") and advised(DOCUMENT, POOL.spec, last) == DOCUMENT


limits_ms = st.sampled_from([200, 3_000, 5_000, 30_000])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    limit_ms=limits_ms,
    share=st.floats(0.02, 1 / 3) | st.just(1 / 3),
    per_second=st.floats(20, 150),
    tokens=st.integers(2, 64),
    wanted=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
@example(limit_ms=3_000, share=1 / 3, per_second=60, tokens=64, wanted=1, seed=1)
@example(limit_ms=3_000, share=1 / 3, per_second=60, tokens=64, wanted=2, seed=1)
@example(limit_ms=30_000, share=1 / 3, per_second=150, tokens=10, wanted=1, seed=1)  # a short answer after a long wait
def test_a_healthy_endpoint_is_healthy_all_the_time(
    limit_ms: int, share: float, per_second: float, tokens: int, wanted: int, seed: int
) -> None:
    """The same histories each time: their chance is above. share: the median's, of the limit."""
    dice, jitter = random.Random(seed), Jitter(limit_ms * share, per_second)

    def answer() -> Exchange:
        return an_answer(jitter.first_token_ms(dice), jitter.tokens_per_second(dice), tokens)

    last: LastProbe | None = None
    for number in range(RUNS):
        last = folded(last, a_run(answer, limit_ms, wanted))
        assert is_unmarked(last), number


@settings(max_examples=60, deadline=None)
@given(limit_ms=limits_ms, wanted=st.integers(1, 4), seed=st.integers(0, 2**32), before=st.integers(0, 20))
def test_fifteen_times_slower_is_found_after_any_past(limit_ms: int, wanted: int, seed: int, before: int) -> None:
    """From a sixth of the limit, and never less than half of what it should be, so that no dice are on its side."""
    dice, jitter = random.Random(seed), Jitter(limit_ms / 6, 100)
    last: LastProbe | None = None
    for _ in range(before):
        last = folded(last, a_run(lambda: an_answer(jitter.first_token_ms(dice), 100), limit_ms, wanted))
    for _ in range(2):
        last = folded(
            last, a_run(lambda: an_answer(15 * jitter.first_ms * dice.uniform(0.5, 2), 100), limit_ms, wanted)
        )

    assert last is not None
    assert last.endpoints[0].reason == SLOW
    assert advised(DOCUMENT, POOL.spec, last)[0].advice is not None

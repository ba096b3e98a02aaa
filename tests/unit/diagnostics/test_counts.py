"""What a router's /metrics say of each endpoint, and what of it is news."""

from math import inf

import pytest

from poolkeeper.diagnostics.counts import Counts, counts_of, quantile_ms

FIRST = 'gen_ai_server_time_to_first_token_seconds_bucket{endpoint="a",gen_ai_request_model="m",le="%s"} %d'


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        (['poolkeeper_attempts_total{endpoint="a",gen_ai_request_model="m"} 3'], {"a": Counts(attempts=3)}),
        (
            [
                'poolkeeper_attempts_total{endpoint="a",gen_ai_request_model="m"} 3',
                'poolkeeper_attempts_total{endpoint="a",gen_ai_request_model="n"} 4',
                'poolkeeper_upstream_errors_total{endpoint="a",gen_ai_request_model="n",class="Busy"} 2',
            ],
            {"a": Counts(attempts=7, failed=2, classes={"Busy": 2.0})},
        ),
        (
            [
                'poolkeeper_upstream_errors_total{endpoint="a",gen_ai_request_model="m",class="ClientGone"} 9',
                'poolkeeper_upstream_errors_total{endpoint="a",gen_ai_request_model="m",class="Outpaced"} 9',
            ],
            {"a": Counts()},
        ),
        (['poolkeeper_attempts_total{endpoint="a",gen_ai_request_model="x\\"} 7,{"} 5'], {"a": Counts(attempts=5)}),
        ([FIRST % ("0.1", 3), FIRST % ("+Inf", 4)], {"a": Counts(first_token={0.1: 3, inf: 4})}),
        (['poolkeeper_cost_total{endpoint="a",currency="USD"} 0.5'], {"a": Counts(cost={"USD": 0.5})}),
        (["# HELP poolkeeper_attempts_total Attempts.", "something else", 'poolkeeper_in_flight{endpoint="a"} 1'], {}),
        (['poolkeeper_attempts_total{endpoint="a"} many'], {"a": Counts()}),
    ],
    ids=[
        "one",
        "summed over models",
        "nobody's fault",
        "a model of any name",
        "first tokens",
        "cost",
        "others",
        "junk",
    ],
)
def test_of_an_endpoint(lines: list[str], want: dict[str, Counts]) -> None:
    assert counts_of("\n".join(lines)) == want


def test_news_is_the_difference_and_all_of_a_router_that_began_anew() -> None:
    before = Counts(10, 2, {0.1: 8, inf: 8})

    assert Counts(13, 3, {0.1: 9, inf: 10}).since(before) == Counts(3, 1, {0.1: 1, inf: 2})
    assert Counts(4, 0, {0.1: 4, inf: 4}).since(before) == Counts(4, 0, {0.1: 4, inf: 4})


@pytest.mark.parametrize(
    ("buckets", "share", "want_ms"),
    [
        ({}, 0.5, None),
        ({0.1: 0, inf: 0}, 0.5, None),
        ({0.1: 10, inf: 10}, 0.5, 50),
        ({0.1: 0, 0.2: 10, inf: 10}, 0.5, 150),
        ({0.1: 5, 0.2: 10, inf: 10}, 0.99, 198),
        ({0.1: 5, 0.2: 5, inf: 10}, 0.99, 200),
    ],
    ids=["nothing", "no answers", "the first bucket", "the second bucket", "p99", "beyond the last bound"],
)
def test_a_quantile_lies_within_its_bucket(buckets: dict[float, float], share: float, want_ms: int | None) -> None:
    assert quantile_ms(buckets, share) == want_ms

"""How often one run asks an endpoint."""

import pytest

from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.probing.sample_count import most_asked, next_sample

OK, SLOW, CUT, EMPTY = None, R.SlowFirstToken, R.TruncatedStream, R.EmptyAnswer

CASES: dict[str, tuple[list[R | None], int, int | None]] = {
    "nothing asked yet": ([], 1, 0),
    "good, and one is wanted": ([OK], 1, None),
    "good, and two are wanted": ([OK], 2, 1),
    "slow: the same once more": ([SLOW], 1, 0),
    "slow twice is slow": ([SLOW, SLOW], 1, None),
    "slow first, by first token or by tokens": ([SLOW, R.SlowTokens], 1, None),
    "slow, then good: the third decides": ([SLOW, OK], 1, 0),
    "three have decided": ([SLOW, OK, OK], 1, None),
    "the second was slow: that one again": ([OK, SLOW], 2, 1),
    "one slow of three wanted": ([OK, SLOW, OK], 3, None),
    "what broke is not asked again": ([CUT], 1, None),
    "slow, then broken": ([SLOW, CUT], 1, None),
    "slow, then rate limited": ([SLOW, R.RateLimited], 1, None),
    "one dead, and five are wanted": ([EMPTY], 5, 1),
    "two dead in a row": ([EMPTY, EMPTY], 5, None),
    "two dead, not in a row": ([EMPTY, OK, EMPTY], 5, 3),
}


@pytest.mark.parametrize("name", CASES)
def test_next_sample(name: str) -> None:
    found, wanted, want = CASES[name]

    assert next_sample(found, wanted) == want


@pytest.mark.parametrize("wanted", [1, 2, 3, 7])
@pytest.mark.parametrize("first", [OK, SLOW, CUT, EMPTY, R.RateLimited])
@pytest.mark.parametrize("then", [OK, SLOW, CUT])
def test_no_run_asks_more_than_it_may(first: R | None, then: R | None, wanted: int) -> None:
    found: list[R | None] = []
    while next_sample(found, wanted) is not None:
        found.append(then if found else first)

    assert 0 < len(found) <= most_asked(wanted)

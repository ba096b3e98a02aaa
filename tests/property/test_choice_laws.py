"""Laws of weights and of choosing by them."""

from collections import Counter
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from testing.lua_calls import Record, function, lua, table

weigh = function('function(c, slow, now) return require("core.balancing.weight").dynamic(c, slow, now) end')
choose = function(
    """function(candidates, context, values)
         local at = 0
         context.random = function() at = at % #values + 1; return values[at] end
         return require("core.balancing.pick").choose(candidates, context)
       end"""
)

candidates = st.fixed_dictionaries(
    {
        "weight": st.integers(1, 1000),
        "in_flight": st.integers(0, 20),
        "max_connections": st.integers(1, 20),
        "base_latency_ms": st.integers(0, 60_000),
        "latency_ms": st.none() | st.floats(0, 1e7),
        "recovered_at_ms": st.integers(0, 200_000),
        "ramp_since_ms": st.integers(0, 200_000),
        "tier": st.integers(0, 9),
        "is_half_open": st.booleans(),
    }
)


@given(candidates, st.integers(0, 60_000), st.integers(0, 300_000))
def test_a_weight_stays_between_nothing_and_twice_the_declared_one(
    candidate: dict[str, object], slow_start_ms: int, now_ms: int
) -> None:
    weight = weigh(table(candidate), slow_start_ms, now_ms)

    assert isinstance(weight, int | float)
    assert 0 <= weight <= 2 * cast(int, candidate["weight"])


@given(
    st.lists(candidates, min_size=1, max_size=6),
    st.sampled_from(["Dynamic", "PowerOfTwo", "RoundRobin"]),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    st.none() | st.integers(0, 9),
    st.integers(0, 1_000),
)
def test_a_choice_is_one_of_the_candidates_and_of_the_first_tier_that_is_ready(
    given_candidates: list[dict[str, object]], algorithm: str, random: list[float], held: int | None, turn: int
) -> None:
    context = {
        "algorithm": algorithm, "now_ms": 300_000, "turn": turn, "slow_start_ms": 30_000, "stabilization_ms": 0,
        "held_tier": held,
    }  # fmt: skip
    all_of_them = [table({**candidate, "number": number}) for number, candidate in enumerate(given_candidates)]

    chosen = choose(lua.table_from(all_of_them), table(context), table(random))

    tiers = {cast(int, candidate["tier"]) for candidate in given_candidates}
    preferred = {tier for tier in tiers if held is None or tier >= held} or tiers
    assert cast(Record, chosen)["tier"] == min(preferred)


GRID = [(n + 0.5) / 200 for n in range(200)]
"""Chance that comes out evenly."""


def drawn(given_candidates: list[dict[str, object]], algorithm: str, rolls: list[list[float]]) -> Counter[int]:
    context = {"algorithm": algorithm, "now_ms": 300_000, "slow_start_ms": 0, "stabilization_ms": 0}
    tables = lua.table_from([table({**one, "tier": 0, "number": n}) for n, one in enumerate(given_candidates)])
    return Counter(
        cast(int, cast(Record, choose(tables, table(context), lua.table_from(roll)))["number"]) for roll in rolls
    )


@given(st.lists(candidates, min_size=2, max_size=5))
def test_dynamic_gives_to_each_in_proportion_to_its_weight(given_candidates: list[dict[str, object]]) -> None:
    weights = [cast(float, weigh(table(candidate), 0, 300_000)) for candidate in given_candidates]
    if sum(weights) == 0:
        return

    counts = drawn(given_candidates, "Dynamic", [[roll] for roll in GRID])

    for number, weight in enumerate(weights):
        assert abs(counts[number] - len(GRID) * weight / sum(weights)) <= 1


@given(
    st.lists(candidates, min_size=2, max_size=5),
    st.sampled_from(["Dynamic", "PowerOfTwo"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_what_is_full_gets_nothing_while_another_has_room(
    given_candidates: list[dict[str, object]], algorithm: str, one: float, other: float
) -> None:
    (number,) = drawn(given_candidates, algorithm, [[one, other]])

    if any(weigh(table(candidate), 0, 300_000) for candidate in given_candidates):
        chosen = given_candidates[number]
        assert cast(int, chosen["in_flight"]) < cast(int, chosen["max_connections"])


@given(candidates, candidates, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_of_two_power_of_two_takes_the_less_loaded(
    one: dict[str, object], other: dict[str, object], first: float, second: float
) -> None:
    if not (weigh(table(one), 0, 300_000) and weigh(table(other), 0, 300_000)):
        return
    pair = [one, other]

    (number,) = drawn(pair, "PowerOfTwo", [[first, second]])

    loads = [cast(int, it["in_flight"]) / cast(int, it["max_connections"]) for it in pair]
    assert loads[number] == min(loads)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5))
def test_round_robin_gives_to_each_its_weight_in_every_turn_and_spreads_it(weights: list[int]) -> None:
    ready = {"in_flight": 0, "max_connections": 9, "base_latency_ms": 0, "recovered_at_ms": 0, "ramp_since_ms": 0}
    same: list[dict[str, object]] = [{**ready, "weight": weight, "is_half_open": False} for weight in weights]

    counts = drawn(same, "RoundRobin", [[0.0]] * sum(weights) * 2)

    assert [counts[number] for number in range(len(weights))] == [2 * weight for weight in weights]

"""Which scenario a request meets is decided by number, time and seed alone."""

from collections import Counter

import pytest

from testing.fakes.deepseek import jsonin, plan
from testing.fakes.deepseek.params import Params


def names(value: object, count: int) -> list[str]:
    parsed = plan.parse(value, Params())
    return [parsed.choose(number, 0.0).scenario for number in range(count)]


def test_script_goes_by_request_number_and_stays_at_its_end() -> None:
    script = [{"scenario": "busy503", "requests": 2}, {"scenario": "cut", "requests": 1}, {"scenario": "ok"}]
    assert names({"script": script}, 6) == ["busy503", "busy503", "cut", "ok", "ok", "ok"]


def test_script_repeats_on_demand() -> None:
    script = [{"scenario": "busy503", "requests": 1}, {"scenario": "ok", "requests": 2}]
    assert names({"script": script, "repeat": True}, 6) == ["busy503", "ok", "ok", "busy503", "ok", "ok"]


def test_script_without_an_open_end_stays_at_its_last_leg() -> None:
    script = [{"scenario": "busy503", "requests": 1}, {"scenario": "ok", "requests": 1}]
    assert names({"script": script}, 4) == ["busy503", "ok", "ok", "ok"]


def test_mix_is_drawn_by_weight_and_the_same_every_time() -> None:
    mix = {"mix": [{"scenario": "ok", "weight": 85}, {"scenario": "reset", "weight": 15}], "seed": 7}
    drawn = names(mix, 2000)
    assert drawn == names(mix, 2000)
    assert drawn != names({**mix, "seed": 8}, 2000)
    assert 240 < Counter(drawn)["reset"] < 360


@pytest.mark.parametrize(
    ("elapsed_ms", "want", "want_change_ms"),
    [(0, "ok", 100), (99, "ok", 100), (100, "refuse", 150), (149, "refuse", 150), (150, "ok", None), (9e9, "ok", None)],
)
def test_timeline(elapsed_ms: float, want: str, want_change_ms: float | None) -> None:
    legs = [{"scenario": "ok", "for_ms": 100}, {"scenario": "refuse", "for_ms": 50}, {"scenario": "ok"}]
    parsed = plan.parse({"timeline": legs}, Params())
    assert parsed.choose(0, elapsed_ms).scenario == want
    assert parsed.next_change_ms(elapsed_ms) == want_change_ms


def test_repeated_timeline_has_always_a_next_change() -> None:
    legs = [{"scenario": "ok", "for_ms": 100}, {"scenario": "busy503", "for_ms": 50}]
    parsed = plan.parse({"timeline": legs, "repeat": True}, Params())
    assert [parsed.choose(0, at).scenario for at in (0, 120, 150, 290)] == ["ok", "busy503", "ok", "busy503"]
    assert [parsed.next_change_ms(at) for at in (0, 120, 150, 290)] == [100, 150, 250, 300]


def test_parameters_go_from_base_over_scenario_to_leg() -> None:
    base = Params(tokens=5, slow_factor=2.0)
    leg = plan.parse({"scenario": "slow15x", "params": {"tokens": 6}}, base).legs[0]
    assert (leg.params.tokens, leg.params.slow_factor) == (6, 15.0)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ({}, "0 of scenario, script, mix, timeline"),
        ({"scenario": "ok", "mix": []}, "2 of scenario, script, mix, timeline"),
        ({"scenario": "nope"}, "unknown scenario 'nope', known: "),
        ({"scenario": "ok", "params": {"token": 1}}, "params: unknown 'token', known: "),
        ({"scenario": "ok", "params": {"tokens": "1"}}, "params.tokens: str '1', wanted an integer"),
        ({"scenario": "ok", "params": {"tokens": -1}}, "params.tokens: -1, wanted 0 or more"),
        ({"scenario": "ok", "params": {"thinking": "x"}}, "params.thinking: 'x', wanted one of auto, on, off"),
        ({"script": []}, "script: no legs"),
        ({"mix": [{"scenario": "ok", "weight": 0}]}, "mix: all weights are 0"),
        ({"mix": [{"scenario": "refuse"}]}, "mix: refuse is for connections"),
        ({"scenario": "ok", "surfaces": ["chats"]}, "surfaces: 'chats' is not a valid Surface, known: all, chat"),
    ],
)
def test_a_bad_plan_says_what_was_seen_and_wanted(value: object, want: str) -> None:
    with pytest.raises(jsonin.ShapeError) as error:
        plan.parse(value, Params())
    assert want in str(error.value)

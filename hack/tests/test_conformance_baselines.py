"""The gateways that conformance compares: which cases each plays, and how each is configured."""

import json
from dataclasses import replace

from hack.bench.conformance.baselines import BASELINES, SAMPLE, sampled
from hack.bench.conformance.scorecard import callers_score, score
from testing.conformance.case import Mode
from testing.conformance.stage import Result, Stage
from testing.conformance.table import every_case
from testing.gateways.envoy import configuration as of_envoy
from testing.gateways.gateway import Endpoint, Policy, Pool
from testing.gateways.portkey import configuration as of_portkey

ENDPOINTS = tuple(
    Endpoint(name, f"http://127.0.0.1:{port}/v1", f"sk-{name}", {"m": f"{name}-m"}, tier=tier, dialect=dialect)
    for name, port, tier, dialect in [("a", 1001, 0, "DeepSeek"), ("b", 1002, 0, "OpenAI"), ("c", 1003, 1, "OpenAI")]
)
POOL = Pool(ENDPOINTS, Policy(max_attempts=4))


def test_a_sample_has_a_case_of_each_fault_and_mode() -> None:
    cases = every_case()
    chosen = sampled(cases, SAMPLE)

    def rows(of: list[object]) -> set[tuple[str, str, Mode]]:
        return {(case.klass, case.title, case.mode) for case in cases if case in of}

    assert rows(list(chosen)) == rows(list(cases))
    assert len(chosen) < len(cases)


def test_a_sample_of_every_case_is_all_of_them_in_order() -> None:
    cases = every_case()
    assert sampled(cases, 1) == list(cases)


def test_poolkeeper_and_litellm_play_every_case() -> None:
    assert [name for name, one in BASELINES.items() if one.sample == 1] == ["poolkeeper", "litellm"]


def test_providers_that_are_alike_share_the_callers_key_and_the_pools_names() -> None:
    case = next(iter(every_case()))
    with Stage() as stage, Stage(alike=True) as alike:
        own, shared = stage.endpoints(case), alike.endpoints(case)

    assert len({one.key for one in own}) == len(own)
    assert len({one.key for one in shared}) == 1
    assert all(name == upstream for one in shared for name, upstream in one.models.items())
    assert [replace(one, url="", key="", models={}) for one in own] == [
        replace(one, url="", key="", models={}) for one in shared
    ]


def test_portkey_falls_back_from_tier_to_tier_and_shares_within_one() -> None:
    found = json.loads(json.dumps(of_portkey(POOL)))

    first, second = found["targets"]
    assert found["strategy"] == {"mode": "fallback"}
    assert first["strategy"] == {"mode": "loadbalance"}
    hosts = [(one["provider"], one["custom_host"], one["api_key"]) for one in first["targets"]]
    assert hosts == [("deepseek", "http://127.0.0.1:1001", "sk-a"), ("openai", "http://127.0.0.1:1002/v1", "sk-b")]
    assert second["override_params"] == {"model": "c-m"}
    assert second["retry"]["attempts"] == 0
    (alone,) = json.loads(json.dumps(of_portkey(replace(POOL, endpoints=ENDPOINTS[:1]))))["targets"]
    assert alone["retry"]["attempts"] == POOL.policy.max_attempts - 1


def test_a_retry_of_envoy_goes_to_the_next_tier() -> None:
    cluster = json.loads(json.dumps(of_envoy(POOL, 1, 2)))["static_resources"]["clusters"][0]
    assert [one["priority"] for one in cluster["load_assignment"]["endpoints"]] == [0, 1]
    assert "previous_priorities" in str(of_envoy(POOL, 1, 2))


def test_what_callers_got_leaves_out_what_providers_saw() -> None:
    case = next(iter(every_case()))
    seen = [
        (),
        ("provider a: 3 attempts, wanted 1",),
        ("status 503, wanted the whole answer", "provider a: 2 attempts"),
    ]
    results = [Result(case, faults, 0.0) for faults in seen]

    assert (score(results).green, callers_score(results).green) == (1, 2)

"""Whatever the operator writes, the router takes: both sides of the document's contract, in their own languages."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from factories import document, endpoint, policy, pool_manifest, snapshot
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_document import RouterDoc
from testing.router_lua import config_reader

COMPLAINT = config_reader()

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?", fullmatch=True)
hosts = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9-]{0,5}[a-z]){0,3}", fullmatch=True)
paths = st.from_regex(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]{1,8}){0,3}/?", fullmatch=True)
printable = st.characters(exclude_categories=("C", "Zl", "Zp"))
models = st.text(printable, min_size=1, max_size=128)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, object]:
    """Within the rules, at their edges."""
    endpoints = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        fields: dict[str, object] = {
            "provider": draw(st.sampled_from(["DeepSeek", "LMStudio", "OpenAI"])),
            "tier": draw(st.integers(0, 9)),
            "weight": draw(st.integers(0, 1_000)),
            "maxConnections": draw(st.integers(1, 10_000)),
            "region": draw(st.text(printable, max_size=63)),
            "capabilities": draw(st.lists(st.sampled_from(["PrefixCompletion", "LargeContext"]), unique=True)),
        }
        if draw(st.booleans()):
            port = draw(st.sampled_from(["", ":1", ":65535"]))
            fields["url"] = f"https://{draw(hosts)}{port}{draw(paths)}"
            fields["credentialsRef"] = {"name": draw(names), "key": draw(names)}
            fields["tls"] = {"caRef": {"name": draw(names), "key": draw(names)}}
        else:
            service = {"name": draw(names), "port": draw(st.integers(1, 65_535)), "path": draw(paths)}
            fields["serviceRef"] = service
        endpoints.append(endpoint(name, **fields))
    return pool_manifest(endpoints, models=draw(st.lists(models, min_size=1, max_size=5, unique=True)))


def complaint(of: RouterDoc) -> str:
    return COMPLAINT(json.loads(of.model_dump_json(by_alias=True)))


@given(manifests())
def test_the_router_takes_what_the_operator_accepts(manifest: dict[str, object]) -> None:
    parsed = EndpointPool.parse(manifest)

    assume(isinstance(parsed, EndpointPool))
    if isinstance(parsed, EndpointPool):
        assert complaint(document(snapshot(parsed))) == ""


EDGES: dict[str, dict[str, object]] = {
    "every number at its largest": {
        "circuitBreaker": {
            "errorRatePercent": 100,
            "slidingWindow": "1h",
            "minimumRequests": 10_000,
            "consecutiveFailures": 10_000,
            "recoveryTimeout": "1h",
            "maxRecoveryTimeout": "1h",
            "halfOpenMaxRequests": 10_000,
        },
        "retry": {"maxAttempts": 10_000, "budgetPercent": 100, "busyBackoff": ["1h"] * 10},
        "timeouts": {"connect": "1h", "firstToken": "1h", "interToken": "1h", "request": "1h"},
        "balancing": {"slowStart": "1h", "affinity": {"mode": "Prefix", "header": "X" * 64, "ttl": "24h"}},
        "concurrency": {"mode": "Adaptive"},
        "queue": {"maxWait": "1h", "maxDepth": 10_000},
        "tiers": {"spill": "Proportional"},
        "failback": {"mode": "Manual", "stabilization": "1h"},
        "fallback": {"defaultResponse": "x" * 1024},
    },
    "every number at its smallest": {
        "circuitBreaker": {
            "errorRatePercent": 0,
            "slidingWindow": "1ms",
            "minimumRequests": 1,
            "consecutiveFailures": 0,
            "recoveryTimeout": "1ms",
            "maxRecoveryTimeout": "1ms",
            "halfOpenMaxRequests": 1,
        },
        "retry": {"maxAttempts": 1, "budgetPercent": 0, "busyBackoff": ["0s"]},
        "timeouts": {"connect": "1ms", "firstToken": "0s", "interToken": "0s", "request": "0s"},
        "balancing": {"slowStart": "0s"},
        "queue": {"maxWait": "1ms", "maxDepth": 1},
        "failback": {"stabilization": "0s"},
        "fallback": {"defaultResponse": ""},
    },
}


@pytest.mark.parametrize("spec", EDGES.values(), ids=EDGES.keys())
def test_the_router_takes_a_policy_with(spec: dict[str, object]) -> None:
    assert complaint(document(replace(snapshot(), policy=policy(**spec)))) == ""

"""Whatever comes in: parse answers, and what it accepts says the same after a trip through JSON."""

import copy

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hack.generate.structural import Schema, structural
from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.value_types import BOUNDS
from testing.manifests import GOOD, SMALLEST, Manifest

SCALARS = st.none() | st.booleans() | st.integers(-1, 10_001) | st.floats(allow_nan=False) | st.text(max_size=20)
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def values(schema: Schema) -> st.SearchStrategy[object]:
    """Values that a structural schema admits, as far as it can say so."""
    if isinstance(fields := schema.get("properties"), dict):
        return st.fixed_dictionaries(
            {}, optional={name: values(part) for name, part in fields.items() if isinstance(part, dict)}
        )
    if isinstance(enum := schema.get("enum"), list):
        return st.sampled_from(enum)
    if isinstance(items := schema.get("items"), dict):
        return st.lists(values(items), min_size=1, max_size=3)
    if BOUNDS in schema:
        return st.sampled_from(["1ms", "30s", "59m59s", "1h"])
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int) and isinstance(high, int):
        return st.integers(low, high)
    return st.just(schema.get("default"))


@given(values(structural(FailoverPolicySpec)))
def test_an_accepted_policy_reads_back_as_the_same(spec: object) -> None:
    policy = FailoverPolicy.parse(SMALLEST["FailoverPolicy"] | {"spec": spec})
    if isinstance(policy, FailoverPolicy):
        assert FailoverPolicy.parse(policy.model_dump(mode="json", by_alias=True)) == policy
    else:
        assert [problem.path for problem in policy] == ["spec.circuitBreaker.maxRecoveryTimeout"]


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in _places(part, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> Manifest:
    """A good pool with junk in one or two places."""
    manifest = copy.deepcopy(draw(st.sampled_from([case.manifest for case in GOOD if case.kind == "EndpointPool"])))
    for _ in range(draw(st.integers(1, 2))):
        way = draw(st.sampled_from([place for place in _places(manifest) if place]))
        owner: object = manifest
        for step in way[:-1]:
            assert isinstance(owner, dict | list)
            owner = owner[step]  # type: ignore[index]  # a dict by its keys, a list by its positions
        assert isinstance(owner, dict | list)
        owner[way[-1]] = draw(JUNK)  # type: ignore[index]
    return manifest


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged())
def test_junk_anywhere_is_a_problem_with_a_path_never_a_traceback(manifest: Manifest) -> None:
    answer = EndpointPool.parse(manifest)
    if isinstance(answer, EndpointPool):
        assert EndpointPool.parse(answer.model_dump(mode="json", by_alias=True)) == answer
    else:
        assert answer
        assert all(isinstance(problem, Problem) and problem.path and problem.message for problem in answer)


@given(JUNK.filter(lambda junk: isinstance(junk, dict)))
def test_no_pool_at_all_is_no_traceback_either(junk: Manifest) -> None:
    assert isinstance(EndpointPool.parse(junk), tuple)


def test_what_is_dumped_is_plain_data_for_yaml() -> None:
    pool = EndpointPool.parse(SMALLEST["EndpointPool"])
    assert isinstance(pool, EndpointPool)
    assert yaml.safe_dump(pool.model_dump(mode="json", by_alias=True))

"""The tables of testing/manifests, as `poolkeeper validate` and the operator read them."""

import pytest

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from testing.manifests import BAD, GOOD, SMALLEST, Case, Manifest

KINDS: dict[str, type[EndpointPool] | type[FailoverPolicy]] = {
    "EndpointPool": EndpointPool,
    "FailoverPolicy": FailoverPolicy,
}


def parse(case: Case, local: bool = False) -> EndpointPool | FailoverPolicy | tuple[Problem, ...]:
    return KINDS[case.kind].parse(case.manifest, local=local)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.case)
def test_a_good_manifest_is_accepted(case: Case) -> None:
    assert isinstance(parse(case), KINDS[case.kind])


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.case)
def test_what_was_accepted_reads_back_as_the_same(case: Case) -> None:
    first = parse(case)
    assert isinstance(first, EndpointPool | FailoverPolicy)
    assert KINDS[case.kind].parse(first.model_dump(mode="json", by_alias=True)) == first


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.case)
def test_a_bad_manifest_is_reported_by_its_path_and_nothing_else_is(case: Case) -> None:
    problems = parse(case)
    assert isinstance(problems, tuple)
    assert [problem.path for problem in problems] == [case.path]
    assert case.says in problems[0].message


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.case)
def test_poolkeeper_run_relaxes_loopback_and_nothing_else(case: Case) -> None:
    assert isinstance(parse(case, local=True), KINDS[case.kind]) == case.local


def test_a_key_may_go_over_http_to_loopback_under_run() -> None:
    key = {"name": "deepseek", "key": "api-key"}
    url = "http://127.0.0.1:8000/v1"
    case = Case("", set={"spec.endpoints[0].url": url, "spec.endpoints[0].credentialsRef": key})
    assert isinstance(parse(case, local=True), EndpointPool)
    assert isinstance(parse(case), tuple)


def test_all_problems_come_at_once_those_of_shape_and_those_of_rules() -> None:
    case = Case(
        "",
        set={
            "metadata.name": "Chat",
            "spec.models": ["a", "a"],
            "spec.minAvailable": 3,
            "spec.endpoints[0].weight": "much",
            "spec.endpoints[0].url": "http://localhost",
            "spec.endpoints[1].tire": 1,
            "spec.access": {"mode": "Keys"},
            "spec.router.replicas": -1,
        },
    )
    problems = parse(case)
    assert isinstance(problems, tuple)
    assert {problem.path for problem in problems} == {
        "metadata.name",
        "spec.models",
        "spec.minAvailable",
        "spec.endpoints[0].weight",
        "spec.endpoints[0].url",
        "spec.endpoints[1].tire",
        "spec.access.clients",
        "spec.router.replicas",
    }


def test_an_item_that_cannot_be_read_leaves_the_paths_of_those_after_it_as_they_were() -> None:
    case = Case("", set={"spec.endpoints[0]": {"weight": 1}, "spec.endpoints[1].url": "https://a.example"})
    problems = parse(case)
    assert isinstance(problems, tuple)
    assert [problem.path for problem in problems] == ["spec.endpoints[0].name", "spec.endpoints[1]"]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"metadata": {"name": "chat"}}, {"spec": 1}, {"spec": [], "metadata": None}, {"metadata": 3, "spec": {}}],
    ids=str,
)
def test_what_is_no_pool_at_all_is_reported_without_a_traceback(wrong: Manifest) -> None:
    assert isinstance(EndpointPool.parse(wrong), tuple)


@pytest.mark.parametrize(
    "url", ["https://me:canary-pw@localhost/v1", "https://a.b/v1?key=canary-pw", "ftp://canary-pw?"]
)
def test_a_password_in_a_url_is_not_repeated(url: str) -> None:
    problems = parse(Case("", set={"spec.endpoints[0].url": url}))
    assert isinstance(problems, tuple)
    assert "canary-pw" not in " ".join(map(str, problems))


@pytest.mark.parametrize("name", ["apiKey", "api_key", "token", "key"])
def test_who_looks_for_a_place_for_a_key_learns_where_it_is(name: str) -> None:
    problems = parse(Case("", set={f"spec.endpoints[0].{name}": "canary-key"}))
    assert isinstance(problems, tuple)
    assert [str(problem) for problem in problems] == [
        f"spec.endpoints[0].{name}: unknown field; put the API key into a Secret and refer to it in credentialsRef"
    ]


def test_a_key_where_its_reference_belongs_is_not_repeated() -> None:
    problems = parse(Case("", set={"spec.endpoints[0].credentialsRef": {"name": "SK-CANARY", "key": "k"}}))
    assert isinstance(problems, tuple)
    assert "SK-CANARY" not in " ".join(map(str, problems))


def test_null_is_as_good_as_absent() -> None:
    nulled = Case("", set={"spec.endpoints[0].pricing": None, "spec.access": None})
    assert parse(nulled) == EndpointPool.parse(SMALLEST["EndpointPool"])


def test_a_status_nobody_can_read_is_no_status() -> None:
    pool = EndpointPool.parse(SMALLEST["EndpointPool"] | {"status": {"conditions": "none"}})
    assert isinstance(pool, EndpointPool)
    assert pool.status.conditions == ()

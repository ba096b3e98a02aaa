"""From the declared world to the router's document."""

from dataclasses import replace

import pytest

from factories import KEY, LOCAL, NOW, OFFICIAL, SETTINGS, document, endpoint, policy, pool, serving, snapshot, state
from poolkeeper.api import labels
from poolkeeper.api.base import Problem
from poolkeeper.api.reasons import Reason
from poolkeeper.api.router_document import ModelRoute
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Live


def test_a_url_is_taken_apart() -> None:
    found = document(snapshot(pool([endpoint("a", url="https://API.Example.com:8443/openai/v1/")]))).endpoints[0]

    assert (found.scheme, found.host, found.port, found.path) == ("https", "api.example.com", 8443, "/openai/v1")
    assert found.tls is not None
    assert found.tls.server_name == "api.example.com"


def test_a_service_is_found_by_its_name_in_the_clusters_dns() -> None:
    given = replace(snapshot(pool([LOCAL])), settings=replace(SETTINGS, cluster_domain="corp.internal"))

    found = document(given).endpoints[0]

    assert (found.scheme, found.host, found.port, found.path) == (
        "http",
        "vllm.default.svc.corp.internal",
        8000,
        "/v1",
    )
    assert found.tls is None


MODELS_CASES = {
    "no list serves every pool model under its own name": ([], [("a", "a"), ("b", "b")]),
    "an entry without upstreamName keeps the name": ([{"name": "a"}], [("a", "a")]),
    "an entry with upstreamName is asked for by that": ([{"name": "b", "upstreamName": "x/b"}], [("b", "x/b")]),
    "a star stands for every model": ([{"name": "*"}], [("a", "a"), ("b", "b")]),
    "a star with upstreamName maps all to one": ([{"name": "*", "upstreamName": "one"}], [("a", "one"), ("b", "one")]),
    "an entry of its own wins over the star": (
        [{"name": "*", "upstreamName": "one"}, {"name": "b", "upstreamName": "two"}],
        [("a", "one"), ("b", "two")],
    ),
}


@pytest.mark.parametrize(("models", "want_routes"), MODELS_CASES.values(), ids=MODELS_CASES.keys())
def test_models(models: list[dict[str, str]], want_routes: list[tuple[str, str]]) -> None:
    found = document(snapshot(pool([endpoint("one", models=models)], models=["a", "b"]))).endpoints[0]

    assert found.models == tuple(ModelRoute(name=name, upstream_name=upstream) for name, upstream in want_routes)


def test_a_credential_is_a_file_named_after_the_endpoint() -> None:
    found = {one.name: one.credential for one in document(snapshot()).endpoints}

    assert found["local"] is None
    assert found["official"] is not None
    assert found["official"].file == "official"
    assert found["official"].source == "Secret deepseek, key api-key"


def test_clients_are_named_only_when_keys_are_asked_for() -> None:
    clients = [{"name": "web", "keyRef": {"name": "clients", "key": "web"}}]

    opened = document(snapshot(pool(access={"mode": "Open", "clients": clients})))
    keyed = document(snapshot(pool(access={"mode": "Keys", "clients": clients})))

    assert opened.access.clients == ()
    assert [client.key_file for client in keyed.access.clients] == ["web"]


def test_the_order_of_endpoints_in_a_manifest_means_nothing() -> None:
    assert document(snapshot(pool([LOCAL, OFFICIAL]))) == document(snapshot(pool([OFFICIAL, LOCAL])))


def test_without_a_policy_its_defaults_hold() -> None:
    assert document(snapshot()).policy == document(replace(snapshot(), policy=policy())).policy


CHECKS: dict[str, tuple[dict[str, object], str, int]] = {
    "by default": ({}, "Auto", 10_000),
    "as declared": ({"type": "TCP", "interval": "1m30s"}, "TCP", 90_000),
    "none": ({"type": "None"}, "None", 10_000),
    "an interval of 0s is none": ({"type": "Models", "interval": "0s"}, "None", 0),
}


@pytest.mark.parametrize(("given", "want_type", "want_interval_ms"), CHECKS.values(), ids=CHECKS.keys())
def test_health_checks(given: dict[str, object], want_type: str, want_interval_ms: int) -> None:
    planned = document(replace(snapshot(), policy=policy(healthCheck=given))).policy.health_check

    assert (planned.type, planned.interval_ms) == (want_type, want_interval_ms)
    assert (planned.timeout_ms, planned.unhealthy_threshold, planned.healthy_threshold) == (5_000, 3, 2)


def test_a_policy_holds_in_milliseconds() -> None:
    given = replace(snapshot(), policy=policy(timeouts={"firstToken": "1m30s"}), policy_generation=3)

    plan = resolve(given, NOW)

    assert document(given).policy.timeouts.first_token_ms == 90_000
    assert (plan.policy_name, plan.policy_generation) == ("standard", 3)


HOLDS = {
    "a spec that does not parse": (
        replace(snapshot(), pool=None, problems=(Problem("spec.models", "is missing"),)),
        Reason.InvalidSpec,
        "spec.models: is missing",
    ),
    "a policy that does not exist": (
        snapshot(pool(failoverPolicyRef={"name": "strict"})),
        Reason.PolicyNotFound,
        "FailoverPolicy strict (spec.failoverPolicyRef) does not exist in namespace default",
    ),
    "a policy that is not valid": (
        replace(
            snapshot(pool(failoverPolicyRef={"name": "strict"})),
            policy_problems=(Problem("spec.retry.maxAttempts", "must be at least 1"),),
        ),
        Reason.PolicyNotFound,
        "is invalid: spec.retry.maxAttempts: must be at least 1",
    ),
    "a pause": (
        snapshot(annotations={labels.PAUSED: "true"}),
        Reason.ReconcilePaused,
        "poolkeeper.dev/paused stops changes to the pool",
    ),
    "a hold on a tier that does not exist": (
        snapshot(annotations={labels.FAILOVER_TO: "7"}),
        Reason.InvalidSpec,
        "seen '7'; wanted a tier with an endpoint that is not Disabled: 0, 1",
    ),
    "a hold on something that is no tier": (
        snapshot(annotations={labels.FAILOVER_TO: "local"}),
        Reason.InvalidSpec,
        "seen 'local'",
    ),
    "a Service where there is no cluster": (
        replace(snapshot(), settings=replace(SETTINGS, local=True)),
        Reason.InvalidSpec,
        "spec.endpoints[1].serviceRef: seen a Service, but there is no cluster here",
    ),
}


@pytest.mark.parametrize(("given", "want_reason", "want_message"), HOLDS.values(), ids=HOLDS.keys())
def test_nothing_is_rolled_out_for(given: object, want_reason: Reason, want_message: str) -> None:
    assert isinstance(given, type(snapshot()))

    plan = resolve(given, NOW)

    assert plan.document is None
    assert plan.hold is not None
    assert plan.hold.reason == want_reason
    assert want_message in plan.hold.message


def test_many_problems_are_reported_in_part_and_counted() -> None:
    problems = tuple(Problem(f"spec.endpoints[{index}]", "is wrong") for index in range(8))

    hold = resolve(replace(snapshot(), pool=None, problems=problems), NOW).hold

    assert hold is not None
    assert hold.message.endswith("and 3 more (poolkeeper validate reports all)")
    assert hold.problems == problems


def test_a_paused_annotation_other_than_true_pauses_nothing() -> None:
    assert resolve(snapshot(annotations={labels.PAUSED: "false"}), NOW).hold is None


def test_a_held_tier_is_in_the_document() -> None:
    assert document(snapshot(annotations={labels.FAILOVER_TO: "1"})).failover_to_tier == 1


MISSING = {
    "a Service": (
        replace(snapshot(), services=frozenset()),
        Reason.ServiceNotFound,
        "Service vllm of endpoint",
    ),
    "a ConfigMap": (
        snapshot(pool([endpoint("a", tls={"caRef": {"name": "ca", "key": "ca.crt"}})])),
        Reason.ConfigMapNotFound,
        "ConfigMap ca of endpoint a (tls.caRef) does not exist",
    ),
    "a key of a ConfigMap": (
        replace(
            snapshot(pool([endpoint("a", tls={"caRef": {"name": "ca", "key": "ca.crt"}})])),
            config_maps={"ca": frozenset({"other"})},
        ),
        Reason.ConfigMapNotFound,
        "ConfigMap ca has no key ca.crt, which endpoint a (tls.caRef) needs; its keys: other",
    ),
}


@pytest.mark.parametrize(("given", "want_reason", "want_message"), MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_is_reported_and_the_rest_rolled_out(
    given: object, want_reason: Reason, want_message: str
) -> None:
    assert isinstance(given, type(snapshot()))

    plan = resolve(given, NOW)

    assert plan.document is not None
    assert [ref.reason for ref in plan.missing] == [want_reason]
    assert want_message in plan.missing[0].message


class TestGeneration:
    def test_the_first_document_is_the_first_generation(self) -> None:
        assert document(snapshot()).generation == 1

    def test_equal_content_keeps_it(self) -> None:
        given = serving(replace(snapshot(), live=Live(document_generation=6)))

        assert document(given) == document(replace(given, generation=9))
        assert document(given).generation == 7

    def test_other_content_gets_the_next(self) -> None:
        given = serving(snapshot())

        assert document(replace(given, pool=pool(models=["other"]))).generation == 2

    def test_a_router_ahead_of_the_configmap_is_overtaken(self) -> None:
        ahead = state(document(snapshot()).model_copy(update={"generation": 41, "hash": "0"}))

        assert document(serving(snapshot(), ahead)).generation == 42

    def test_a_lost_configmap_starts_nothing_over(self) -> None:
        given = serving(snapshot(), state(document(snapshot()).model_copy(update={"generation": 5})))

        assert document(replace(given, live=Live())).generation == 6


class TestShare:
    def test_the_ceiling_is_shared_by_the_declared_routers(self) -> None:
        given = snapshot(pool([endpoint("a", maxConnections=50)], router={"replicas": 3}))

        assert document(given).endpoints[0].max_connections == 16

    def test_a_surge_of_a_roll_out_shares_too(self) -> None:
        given = snapshot(pool([endpoint("a", maxConnections=50)], router={"replicas": 2}))
        well = state(document(given))

        assert document(serving(given, well, well, well)).endpoints[0].max_connections == 16

    def test_a_router_always_has_one(self) -> None:
        given = snapshot(pool([endpoint("a", maxConnections=1)], router={"replicas": 4}))

        assert document(given).endpoints[0].max_connections == 1

    def test_what_a_client_may_have_is_shared_as_well(self) -> None:
        clients = [{"name": "web", "keyRef": {"name": "c", "key": "w"}, "maxConnections": 50, "priority": 2}]
        given = snapshot(pool(access={"mode": "Keys", "clients": clients}, router={"replicas": 3}))

        client = document(given).access.clients[0]

        assert (client.max_connections, client.priority) == (16, 2)

    def test_the_one_router_of_a_run_has_it_all(self) -> None:
        given = replace(snapshot(pool([endpoint("a", maxConnections=50)])), settings=replace(SETTINGS, local=True))

        assert document(given).endpoints[0].max_connections == 50
        assert document(given).allow_loopback


class TestFingerprint:
    BASE = endpoint("a", credentialsRef={"name": "s", "key": "k"})

    @pytest.mark.parametrize(
        "change",
        [
            {"url": "https://elsewhere.example.com/v1"},
            {"provider": "DeepSeek"},
            {"credentialsRef": {"name": "s", "key": "other"}},
            {"tls": {"serverName": "inside.example.com"}},
            {"egressProxy": "http://egress:3128"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_it_changes_with_what_the_endpoint_is(self, change: dict[str, object]) -> None:
        assert self._of(self.BASE) != self._of(self.BASE | change)

    @pytest.mark.parametrize(
        "change",
        [
            {"weight": 5},
            {"tier": 3},
            {"maxConnections": 7},
            {"baseLatency": "2s"},
            {"region": "x"},
            {"mode": "Draining"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_it_stays_with_how_the_endpoint_is_used(self, change: dict[str, object]) -> None:
        assert self._of(self.BASE) == self._of(self.BASE | change)

    @staticmethod
    def _of(given: dict[str, object]) -> str:
        found = document(snapshot(pool([given, endpoint("b")]))).endpoints
        return next(one.fingerprint for one in found if one.name == "a")


def test_the_document_says_whose_it_is() -> None:
    assert document(snapshot()).pool == str(KEY)

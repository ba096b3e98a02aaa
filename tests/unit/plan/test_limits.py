"""What a pool may ask for, and what the administrator must allow first."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import NOW, OFFICIAL, SETTINGS, pool, snapshot
from poolkeeper.api.installation import Installation, Limits, amount
from poolkeeper.api.reasons import Reason
from poolkeeper.errors import UserError
from poolkeeper.plan.limits import allows, beyond
from poolkeeper.plan.resolve import resolve

SAFE = Limits()


def paths(limits: Limits, **spec: Any) -> list[str]:
    return [problem.path for problem in beyond(pool(**spec).spec, limits)]


def of_template(**template: object) -> dict[str, object]:
    return {"router": {"template": template}}


def of_service(**service: object) -> dict[str, object]:
    return {"router": {"service": service}}


REFUSED: list[tuple[Mapping[str, Any], str]] = [
    (of_template(priorityClassName="system-node-critical"), "spec.router.template.priorityClassName"),
    (of_template(priorityClassName="anything"), "spec.router.template.priorityClassName"),
    (of_template(tolerations=[{"operator": "Exists"}]), "spec.router.template.tolerations[0]"),
    (of_template(tolerations=[{"key": "node-role.kubernetes.io/master"}]), "spec.router.template.tolerations[0]"),
    *(
        (of_template(annotations={key: "x"}), f"spec.router.template.annotations[{key}]")
        for key in (
            "container.apparmor.security.beta.kubernetes.io/router",
            "container.seccomp.security.alpha.kubernetes.io/router",
            "seccomp.security.alpha.kubernetes.io/pod",
            "sidecar.istio.io/userVolume",
            "sidecar.istio.io/proxyImage",
            "linkerd.io/inject",
            "vault.hashicorp.com/agent-inject",
            "k8s.v1.cni.cncf.io/networks",
            "cni.projectcalico.org/ipAddrs",
            "kubernetes.io/egress-bandwidth",
            "anything.example.com/new",
        )
    ),
    *(
        (of_template(labels={key: "x"}), f"spec.router.template.labels[{key}]")
        for key in ("sidecar.istio.io/inject", "azure.workload.identity/use", "admission.datadoghq.com/enabled")
    ),
    (of_service(annotations={"external-dns.alpha.kubernetes.io/hostname": "x"}),
     "spec.router.service.annotations[external-dns.alpha.kubernetes.io/hostname]"),
    ({"router": {"replicas": 101}}, "spec.router.replicas"),
    ({"router": {"autoscaling": {"maxReplicas": 1000}}}, "spec.router.autoscaling.maxReplicas"),
    ({"router": {"resources": {"requests": {"cpu": "9"}}}}, "spec.router.resources.requests[cpu]"),
    ({"router": {"resources": {"limits": {"memory": "9000Mi"}}}}, "spec.router.resources.limits[memory]"),
    ({"router": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}, "spec.router.resources.limits[nvidia.com/gpu]"),
    ({"probe": {"resources": {"limits": {"memory": "1Ti"}}}}, "spec.probe.resources.limits[memory]"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "path"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_by_default_nothing_takes_a_node_a_network_or_the_place_of_others(spec: Mapping[str, Any], path: str) -> None:
    assert paths(SAFE, **spec) == [path]


ALLOWED: list[Mapping[str, Any]] = [
    {},
    of_template(annotations={"team": "chat", "prometheus.io/scrape": "true"}),
    of_template(labels={"team": "chat"}, nodeSelector={"kubernetes.io/arch": "arm64"}),
    of_service(type="LoadBalancer", annotations={"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}),
    {"router": {"replicas": 100, "resources": {"requests": {"cpu": "8000m"}, "limits": {"memory": "8192Mi"}}}},
]


@pytest.mark.parametrize("spec", ALLOWED, ids=str)
def test_what_concerns_nobody_else_is_allowed(spec: Mapping[str, Any]) -> None:
    assert paths(SAFE, **spec) == []


def test_the_administrator_allows_more() -> None:
    given = {
        "limits": {
            "priorityClasses": ["llm-*"],
            "tolerations": ["dedicated", "nvidia.com/*"],
            "annotations": ["**"],
            "resources": {"nvidia.com/gpu": 1},
        }
    }
    limits = Installation.read(given).limits
    wide: dict[str, object] = {
        **of_template(
            priorityClassName="llm-high",
            tolerations=[{"key": "dedicated"}, {"key": "nvidia.com/gpu"}],
            annotations={"sidecar.istio.io/inject": "false"},
        ),
    }

    assert paths(limits, **wide) == []
    assert paths(limits, **of_template(tolerations=[{"operator": "Exists"}])) == ["spec.router.template.tolerations[0]"]
    assert paths(limits, router={"resources": {"limits": {"nvidia.com/gpu": 2}}}) == [
        "spec.router.resources.limits[nvidia.com/gpu]"
    ]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.deepseek.com", True),
        ("API.DeepSeek.com", True),
        ("api.deepseek.com.evil.example", False),
        ("x.internal.example", True),
        ("internal.example", False),
        ("evilinternal.example", False),
    ],
)
def test_hosts_are_those_of_the_list(host: str, allowed: bool) -> None:
    limits = Installation.read({"limits": {"endpointHosts": ["api.deepseek.com", "*.internal.example"]}}).limits
    by_url, by_proxy = (
        pool([OFFICIAL | {"url": f"https://{host}/v1"}]),
        pool([OFFICIAL | {"egressProxy": f"http://{host}:3128"}]),
    )

    assert [problem.path for problem in beyond(by_url.spec, limits)] == ([] if allowed else ["spec.endpoints[0].url"])
    assert [problem.path for problem in beyond(by_proxy.spec, limits)] == (
        [] if allowed else ["spec.endpoints[0].egressProxy"]
    )


def test_nothing_of_such_a_pool_is_rolled_out_and_the_message_says_what_to_do() -> None:
    greedy = pool(router={"template": {"priorityClassName": "system-node-critical"}})
    seen = replace(snapshot(greedy), settings=replace(SETTINGS, limits=SAFE))

    plan = resolve(seen, NOW)

    assert plan.document is None
    assert plan.hold is not None
    assert plan.hold.reason == Reason.NotAllowed
    assert "seen 'system-node-critical'; wanted nothing here, as the administrator" in plan.hold.message
    assert "limits.priorityClasses" in plan.hold.message


@pytest.mark.parametrize("bad", [{"limits": {"tolerations": "x"}}, {"limits": {"replica": 1}}, {"children": {"x": 1}}])
def test_settings_that_cannot_be_read_are_named(bad: Mapping[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(bad))):
        Installation.read(bad)


@given(st.from_regex(r"[a-z0-9.-]{1,10}/[a-z0-9.-]{1,10}", fullmatch=True))
def test_a_star_never_reaches_over_a_slash(key: str) -> None:
    assert not allows(("*", "*x", "a*"), key)
    assert allows(("**",), key)


@pytest.mark.parametrize(
    ("less", "more"), [("999m", "1"), ("1", "1001m"), ("1000Mi", "1Gi"), ("1G", "1Gi"), ("0.5", "501m"), ("1k", "1Ki")]
)
def test_quantities_are_compared_by_their_amount(less: str, more: str) -> None:
    assert amount(less) < amount(more)

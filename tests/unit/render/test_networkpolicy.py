"""Who may connect to the Pods of a pool."""

from dataclasses import replace
from typing import Any

import pytest

from factories import OFFICIAL, SETTINGS, pool, snapshot
from poolkeeper.api.installation import Installation
from poolkeeper.render.networkpolicy import probe_network_policy, router_network_policy


def rules(of: Any, **children: object) -> dict[int, Any]:
    """Port -> who may connect (None: everybody)."""
    given = Installation.read(
        {
            "children": {"networkPolicy": children},
            "operator": {"namespace": "ops", "labels": {"app.kubernetes.io/name": "poolkeeper"}},
        }
    )
    seen = replace(snapshot(of), settings=replace(SETTINGS, children=given.children, operator=given.operator))
    spec: Any = router_network_policy(seen, of)["spec"]
    assert spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "router"
    return {rule["ports"][0]["port"]: rule.get("from") for rule in spec["ingress"]}


OPERATOR = {
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "poolkeeper"}},
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ops"}},
}


def test_the_admin_port_is_the_operator_s_and_prometheus() -> None:
    found = rules(pool([OFFICIAL]))

    assert found[8080] is None
    assert found[9180] == [
        OPERATOR,
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}, "namespaceSelector": {}},
    ]


def test_nobody_else_reads_metrics_where_nobody_is_named() -> None:
    assert rules(pool([OFFICIAL]), metricsFrom=[])[9180] == [OPERATOR]


@pytest.mark.parametrize(
    ("peer", "want"),
    [
        ({"podLabels": {"app": "web"}}, {"podSelector": {"matchLabels": {"app": "web"}}}),
        ({"namespaceLabels": {}}, {"podSelector": {}, "namespaceSelector": {}}),
        (
            {"namespaceLabels": {"team": "a"}, "podLabels": {"app": "web"}},
            {
                "podSelector": {"matchLabels": {"app": "web"}},
                "namespaceSelector": {"matchLabels": {"team": "a"}},
            },
        ),
        ({"cidr": "10.0.0.0/8"}, {"ipBlock": {"cidr": "10.0.0.0/8"}}),
        ({"cidr": "fd00::/8"}, {"ipBlock": {"cidr": "fd00::/8"}}),
        ({}, {"podSelector": {}}),
    ],
)
def test_callers_are_whom_the_pool_names(peer: dict[str, object], want: dict[str, object]) -> None:
    assert rules(pool([OFFICIAL], access={"allowedFrom": [peer]}))[8080] == [want]


def test_nobody_connects_to_a_probe() -> None:
    spec: Any = probe_network_policy(snapshot())["spec"]

    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == []

"""The objects of some pools, to the byte. `make goldens` writes them anew; then read the diff as a reviewer would."""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from factories import LOCAL, NOW, OFFICIAL, SETTINGS, document, endpoint, policy, pool, snapshot
from poolkeeper.api import labels
from poolkeeper.api.startup_hints import AnsweredDoc, News
from poolkeeper.plan.hashing import canonical_json
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Live, Manifest, Snapshot
from poolkeeper.render.desired import desired
from testing.router_lua import config_reader

FOLDER = Path(__file__).parent

NEWS = News(
    answered=(
        AnsweredDoc(
            endpoint="official", fingerprint="14256935d6a3f967", model="deepseek-flash", probed_at_ms=1_795_334_400_000
        ),
    )
)
"""In the document before, so in it still."""

CASES = {
    "smallest": snapshot(pool([endpoint("own", url="http://models.example.com/v1")], models=["deepseek-flash"])),
    "two-tiers": snapshot(),
    "probed": replace(
        snapshot(
            pool(
                [
                    OFFICIAL | {"pricing": {"currency": "USD", "inputPerMillion": "0.15", "outputPerMillion": "0.60"}},
                    LOCAL,
                ],
                probe={"samplesRef": {"name": "chat-samples", "key": "own.jsonl"}, "schedule": "@hourly"},
                router={"template": {"nodeSelector": {"egress": "yes"}}},
            )
        ),
        config_maps={"chat-samples": frozenset({"own.jsonl"})},
        live=Live(news=NEWS),
    ),
    "everything": replace(
        snapshot(
            pool(
                [
                    OFFICIAL | {"tls": {"caRef": {"name": "ca", "key": "root.pem"}, "serverName": "api.inside"}},
                    endpoint(
                        "aggregator",
                        provider="OpenRouter",
                        tier=1,
                        weight=20,
                        maxConnections=7,
                        baseLatency="1s500ms",
                        region="singapore",
                        egressProxy="http://egress-singapore:3128",
                        capabilities=["PrefixCompletion", "LargeContext"],
                        models=[
                            {"name": "deepseek-v4-pro", "upstreamName": "deepseek/deepseek-v4-pro"},
                            {"name": "*", "upstreamName": "deepseek/deepseek-flash"},
                        ],
                        credentialsRef={"name": "openrouter", "key": "token"},
                        credentialsRefs=[{"name": "openrouter", "key": "second"}, {"name": "third", "key": "token"}],
                    ),
                    LOCAL | {"tier": 2, "mode": "Draining"},
                ],
                failoverPolicyRef={"name": "standard"},
                access={
                    "mode": "Keys",
                    "clients": [
                        {"name": "web", "keyRef": {"name": "clients", "key": "web"}},
                        {"name": "batch", "keyRef": {"name": "clients", "key": "batch"}},
                    ],
                },
                router={
                    "replicas": 3,
                    "autoscaling": {"minReplicas": 3, "maxReplicas": 12, "targetCPUPercent": 60},
                    "service": {"type": "LoadBalancer", "port": 8443},
                    "resources": {"requests": {"cpu": "2", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
                    "template": {
                        "annotations": {"example.com/scrape": "yes"},
                        "labels": {"team": "llm"},
                        "nodeSelector": {"disk": "ssd"},
                        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
                        "topologySpread": [{"topologyKey": "topology.kubernetes.io/zone"}],
                        "priorityClassName": "high",
                    },
                },
            ),
            annotations={labels.FAILOVER_TO: "1"},
        ),
        policy=policy(
            circuitBreaker={"consecutiveFailures": 3},
            retry={"maxAttempts": 5, "retryAfter": "Ignore", "busyBackoff": ["1s"]},
            timeouts={"firstToken": "7s", "request": "90s"},
            balancing={"algorithm": "PowerOfTwo"},
            fallback={"defaultResponse": 'Später wieder: "busy"'},
        ),
        policy_generation=3,
        settings=replace(SETTINGS, image_pull_policy="Never", cluster_domain="corp.internal"),
        config_maps={"ca": frozenset({"root.pem"})},
        ca_digest="c0ffee",
        live=Live(document_generation=41, document_hash="0"),
    ),
}


def objects_of(of: Snapshot) -> tuple[Manifest, ...]:
    return desired(of, document(of), resolve(of, NOW).probe)


def rendered(of: Snapshot) -> str:
    objects = [dict(one) for one in objects_of(of)]
    return "# A golden file; `make goldens` writes it anew.\n" + yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@pytest.mark.parametrize("name", CASES)
def test_manifests(name: str) -> None:
    golden, seen = FOLDER / f"{name}.yaml", rendered(CASES[name])
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(seen, "utf-8")

    assert seen == golden.read_text("utf-8"), f"{golden.name} differs; if that is meant: make goldens"


@pytest.mark.parametrize("name", CASES)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    assert len({rendered(CASES[name]) for _ in range(20)}) == 1


@pytest.mark.parametrize("name", CASES)
def test_manifests_are_plain_json(name: str) -> None:
    objects = [dict(one) for one in objects_of(CASES[name])]

    assert yaml.safe_load(canonical_json(objects)) == objects


@pytest.mark.parametrize("name", CASES)
def test_the_router_takes_the_document(name: str) -> None:
    configmap = next(one for one in objects_of(CASES[name]) if one["kind"] == "ConfigMap")
    data = configmap["data"]
    assert isinstance(data, dict)

    assert config_reader()(json.loads(data["router.json"])) == ""


@pytest.mark.parametrize("name", CASES)
def test_keys_are_mounted_and_nothing_else_knows_them(name: str) -> None:
    objects = list(objects_of(CASES[name]))

    assert "Secret" not in {one["kind"] for one in objects}
    assert not {"secretKeyRef", "secretRef", "stringData"} & set(re.findall(r'"(\w+)":', canonical_json(objects)))


def test_no_golden_is_left_over() -> None:
    of_charts = {"monitoring"}  # test_chart_monitoring.py
    assert {path.stem for path in FOLDER.glob("*.yaml")} - of_charts == set(CASES)

"""Manifests for runs: a pool of scripted providers in tiers, with a policy that makes tests quick."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from testing.fakes.harness import FakeProvider

KEY = "sk-canary-official"
QUICK = {
    "healthCheck": {"type": "None"},
    "circuitBreaker": {"consecutiveFailures": 3, "recoveryTimeout": "1s", "maxRecoveryTimeout": "2s"},
    "retry": {"busyBackoff": ["500ms", "500ms", "500ms"]},
    "timeouts": {"connect": "1s", "firstToken": "2s", "interToken": "5s"},
    "balancing": {"slowStart": "0s"},
    "failback": {"stabilization": "0s"},
}


@dataclass(frozen=True)
class Given:
    """One endpoint of a pool under test. key: of its credential in the Secret "keys". url: where it is not the fake's
    own. authority: the ConfigMap of its CA. "" for none."""

    fake: FakeProvider
    tier: int = 0
    max_connections: int = 50
    key: str = ""
    url: str = ""
    authority: str = ""


def pool(endpoints: Sequence[Given], policy: dict[str, object] | None = None) -> str:
    """An EndpointPool and its FailoverPolicy as YAML."""
    spec = {
        "models": ["deepseek-flash"],
        "endpoints": [_endpoint(given) for given in endpoints],
        "failoverPolicyRef": {"name": "quick"},
    }
    return yaml.safe_dump_all(
        [_object("EndpointPool", "chat", spec), _object("FailoverPolicy", "quick", QUICK if policy is None else policy)]
    )


def secret(**values: str) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": values})


def config_map(name: str, authority: str) -> str:
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": authority}}
    )


def write(file: Path, text: str) -> Path:
    """As a careful editor saves: all at once."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.replace(file)
    return file


def _object(kind: str, name: str, spec: object) -> dict[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _endpoint(given: Given) -> dict[str, object]:
    declared: dict[str, object] = {
        "name": given.fake.name,
        "provider": "DeepSeek",
        "url": f"{given.url or given.fake.url}/v1",
        "tier": given.tier,
        "maxConnections": given.max_connections,
    }
    if given.key:
        declared["credentialsRef"] = {"name": "keys", "key": given.key}
    if given.authority:
        declared["tls"] = {"caRef": {"name": given.authority, "key": "ca.crt"}}
    return declared

"""Everything that carries out a pool stays in its namespace, though another namespace has a pool of the same name."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from factories import LOCAL, OFFICIAL, document, pool, snapshot
from poolkeeper.plan.probe import probe_doc
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.render.desired import desired

PROBED = pool([OFFICIAL, LOCAL], probe={"schedule": "@hourly"})


def objects(namespace: str) -> tuple[Any, ...]:
    seen = replace(snapshot(PROBED), key=PoolKey(namespace, "chat"), services=frozenset({"vllm"}))
    made = document(seen)
    return desired(seen, made, probe_doc(seen, PROBED.spec, made.endpoints, None))


def texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value)
    elif isinstance(part, str):
        yield part


def test_every_object_is_in_the_pool_s_namespace_and_speaks_of_no_other() -> None:
    for one in objects("team-a"):
        assert one["metadata"]["namespace"] == "team-a"
        assert not any("team-b" in text for text in texts(one))


def test_a_service_is_the_one_of_the_same_namespace() -> None:
    documents = [one for one in objects("team-a") if one["kind"] == "ConfigMap"]

    assert any("vllm.team-a.svc" in text for one in documents for text in texts(one))


def test_no_selector_reaches_beyond_it() -> None:
    """A Service, a Deployment, a budget select within their namespace; only the policy's readers are elsewhere."""
    for one in objects("team-a"):
        if one["kind"] == "NetworkPolicy":
            callers = [rule.get("from") for rule in one["spec"]["ingress"] if rule["ports"][0]["port"] == 8080]
            assert callers in ([None], [])
        else:
            assert "namespaceSelector" not in str(one)

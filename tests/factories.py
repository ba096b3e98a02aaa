"""Builders of what decisions look at, each valid and complete with no argument: a test names only what it is about.

Resources are parsed from manifests, as they are in life. Time is given; NOW is the one to start from. What has no
argument here is changed with dataclasses.replace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.api.router_state import Breaker, EndpointState, Health, RouterState
from poolkeeper.api.status import Condition, EndpointPoolStatus
from poolkeeper.errors import Refused
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Live, LiveDeployment, LivePod, PoolKey, RouterReport, Settings, Snapshot
from poolkeeper.status.evaluate import StatusUpdate, evaluate

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=20)
KEY = PoolKey("default", "chat")
MODELS = ("deepseek-v4-pro", "deepseek-flash")
SETTINGS = Settings(router_image="poolkeeper-router:test", probe_image="poolkeeper-operator:test")
ADDRESS = "http://chat-router.default.svc.cluster.local/v1"

Json = Mapping[str, object]


def endpoint(name: str, **fields: object) -> dict[str, object]:
    """By url, unless it has a serviceRef."""
    where: dict[str, object] = {} if "serviceRef" in fields else {"url": f"https://{name}.example.com/v1"}
    return {"name": name, **where, **fields}


OFFICIAL = endpoint(
    "official",
    url="https://api.deepseek.com/v1",
    provider="DeepSeek",
    credentialsRef={"name": "deepseek", "key": "api-key"},
)
LOCAL = endpoint("local", serviceRef={"name": "vllm", "port": 8000}, provider="VLLM", tier=1, maxConnections=8)


def pool_manifest(endpoints: Sequence[Json] = (OFFICIAL, LOCAL), **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": KEY.name, "namespace": KEY.namespace, "uid": "3d9b6a5e", "generation": 1},
        "spec": {"models": list(MODELS), "endpoints": list(endpoints), **spec},
    }


def pool(endpoints: Sequence[Json] = (OFFICIAL, LOCAL), **spec: object) -> EndpointPool:
    parsed = EndpointPool.parse(pool_manifest(endpoints, **spec))
    assert isinstance(parsed, EndpointPool), [str(problem) for problem in parsed]
    return parsed


def policy(**spec: object) -> FailoverPolicy:
    manifest = {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": "standard", "namespace": KEY.namespace, "uid": "77aa", "generation": 3},
        "spec": spec,
    }
    parsed = FailoverPolicy.parse(manifest)
    assert isinstance(parsed, FailoverPolicy), [str(problem) for problem in parsed]
    return parsed


def snapshot(declared: EndpointPool | None = None, *, annotations: Mapping[str, str] | None = None) -> Snapshot:
    """A pool as it is just after `kubectl apply`: everything it refers to is there, nothing of it runs yet."""
    declared = declared or pool()
    services = (one.service_ref for one in declared.spec.endpoints)
    return Snapshot(
        key=KEY,
        uid="3d9b6a5e",
        generation=1,
        pool=declared,
        settings=SETTINGS,
        services=frozenset(str(service.name) for service in services if service),
        annotations=annotations or {},
    )


def document(of: Snapshot) -> RouterDoc:
    planned = resolve(of, NOW).document
    assert planned is not None, resolve(of, NOW).hold
    return planned


def seen(name: str, tier: int = 0, health: Health = "Healthy", reason: str | None = None) -> EndpointState:
    """An endpoint as one router sees it, its breaker closed (words: core/health/summary.lua)."""
    words = {"Healthy": "Healthy", "Unknown": "NoDataYet", "Unhealthy": "Connect"}
    fields = {"name": name, "tier": tier, "health": health, "reason": reason or words[health], "since": EARLIER}
    return EndpointState.model_validate(fields | {"models": _models("Closed", "")})


def cut_off(name: str, tier: int = 0, cause: str = "ServerError", since: datetime = EARLIER) -> EndpointState:
    """The breakers of all its models are open."""
    fields = {"name": name, "tier": tier, "health": "Unhealthy", "breaker": "Open", "reason": "BreakerOpen"}
    return EndpointState.model_validate(fields | {"since": since, "models": _models("Open", cause, since)})


def trying(name: str, tier: int = 0, since: datetime = EARLIER) -> EndpointState:
    """Its breakers are half-open."""
    fields = {"name": name, "tier": tier, "health": "Unhealthy", "breaker": "HalfOpen", "reason": "BreakerHalfOpen"}
    return EndpointState.model_validate(
        fields | {"since": since, "models": _models("HalfOpen", "RecoveryTimeoutPassed")}
    )


def waiting(name: str, tier: int = 0, since: datetime = EARLIER) -> EndpointState:
    """Its breakers are half-open because its checks pass; no request has come yet."""
    fields = {"name": name, "tier": tier, "health": "Unknown", "breaker": "HalfOpen", "reason": "AwaitingTraffic"}
    return EndpointState.model_validate(fields | {"since": since, "models": _models("HalfOpen", "HealthCheckPassed")})


def partly_cut_off(name: str, *sick: str, tier: int = 0) -> EndpointState:
    """The breakers of some models are open, those of the others closed."""
    models = [{"name": model, "breaker": "Open" if model in sick else "Closed"} for model in MODELS]
    fields = {"name": name, "tier": tier, "health": "Healthy", "breaker": "Open", "reason": "Healthy"}
    return EndpointState.model_validate(fields | {"since": EARLIER, "models": models})


def _models(breaker: Breaker, reason: str, since: datetime | None = None) -> list[dict[str, object]]:
    return [{"name": model, "breaker": breaker, "reason": reason, "since": since} for model in MODELS]


WELL = (seen("official"), seen("local", 1))


def state(of: RouterDoc, *endpoints: EndpointState, active_tier: int | None = 0) -> RouterState:
    """A router that serves this document; by default all is well."""
    return RouterState(
        pool=of.pool,
        generation=of.generation,
        config_hash=of.hash,
        ready=True,
        active_tier=active_tier,
        endpoints=endpoints or WELL,
    )


def serving(of: Snapshot, *states: RouterState, at: datetime = NOW) -> Snapshot:
    """The snapshot with its document rolled out to as many routers as there are states (two that are well, if none)."""
    planned = document(of)
    states = states or (state(planned), state(planned))
    count = len(states)
    names = [f"chat-router-{index}" for index in range(count)]
    return replace(
        of,
        live=Live(
            document_generation=planned.generation,
            document_hash=planned.hash,
            deployment=LiveDeployment(count, count, count, up_to_date=True),
            pods=tuple(LivePod(name, "10.0.0.1", True, False, planned.generation) for name in names),
            address=ADDRESS,
        ),
        reports=tuple(RouterReport(name, one, at) for name, one in zip(names, states, strict=True)),
    )


def status_update(of: Snapshot, now: datetime = NOW, refused: Refused | None = None) -> StatusUpdate:
    return evaluate(of, resolve(of, now), refused, now)


def condition(status: EndpointPoolStatus, kind: ConditionType) -> Condition:
    return next(one for one in status.conditions if one.type == kind)

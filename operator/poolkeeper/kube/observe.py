"""From an object of the API server to the few facts that the store keeps (store.Seen)."""

import re
from collections.abc import Mapping
from datetime import datetime
from sys import intern

from pydantic import ValidationError

from poolkeeper.api import labels
from poolkeeper.api.base import GROUP
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.foreign_values import printable
from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.startup_hints import news_in
from poolkeeper.kube.json_fields import count, mapping, natural, rows, text, texts
from poolkeeper.kube.owned import owned_digest
from poolkeeper.kube.packed import Packed
from poolkeeper.kube.pod_trouble import trouble
from poolkeeper.kube.store import LINK_KINDS, Address, DeclaredPolicy, DeclaredPool, Document, Fact, Probing, Ref, Seen
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.snapshot import LiveDeployment, LivePod, PoolKey
from poolkeeper.render.metadata import CONFIG_FILE, PROBE_CONTAINER

_REFUSED = re.compile(
    r"exceeded quota: [a-z0-9.-]{1,253}"
    r"|failed quota: [a-z0-9.-]{1,253}: must specify [a-zA-Z0-9.,/: -]{1,200}"
    r"|violates PodSecurity \"[^\"]{1,63}\""
    r"|admission webhook \"[^\"]{1,253}\" denied the request"
    r"|ValidatingAdmissionPolicy '[^']{1,253}'"
    r"|error looking up service account [a-z0-9./-]{1,507}"
    r"|no PriorityClass with name [a-z0-9.-]{1,253}"
)
_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink")
"""Metadata that changes without anybody's edit."""
_NOT_READ = ("managedFields", "annotations", "labels", "ownerReferences")
"""Metadata of a pool or policy that no decision reads there."""
_NOT_CONTENT = ("status", "kind", "apiVersion")
"""An object of a list has no kind and version; what it holds is the same as in the answer to a write."""


def observe(body: Mapping[str, object]) -> Seen:
    """Of an object that cannot be read (nested beyond reason, half a character, no number) it is known that it is there
    and no more. What one object says must not keep us from seeing the others."""
    try:
        return _observe(body)
    except (ValueError, RecursionError):
        version = natural(text(body, "metadata", "resourceVersion")) or 0
        return Seen(ref=_ref(body), uid=_shared(text(body, "metadata", "uid")), version=version)


def _ref(body: Mapping[str, object]) -> Ref:
    name = text(body, "metadata", "name")
    return Ref(_shared(text(body, "kind")), _shared(text(body, "metadata", "namespace")), name)


def _shared(common: str) -> str:
    """What many objects have in common is kept once."""
    return intern(str(common))


def _observe(body: Mapping[str, object]) -> Seen:
    ref = _ref(body)
    owner = next((row for row in rows(body, "metadata", "ownerReferences") if row.get("controller") is True), {})
    label = texts(body, "metadata", "labels").get(labels.POOL, "")
    return Seen(
        ref=ref,
        uid=_shared(text(body, "metadata", "uid")),
        version=natural(text(body, "metadata", "resourceVersion")) or 0,
        pool=PoolKey(ref.namespace, _shared(label)) if label else None,
        owner_uid=_shared(text(owner, "uid")),
        owner=_shared(f"{text(owner, 'kind')} {text(owner, 'name')}".strip()),
        is_managed=texts(body, "metadata", "labels").get(labels.MANAGED_BY) == labels.FIELD_MANAGER,
        digest=(owned_digest(body) or digest(_editable(body))) if ref.kind not in _NOT_EDITED else "",
        fact=_FACTS[ref.kind](body) if ref.kind in _FACTS else None,
    )


def _editable(body: Mapping[str, object]) -> dict[str, object]:
    metadata = {key: value for key, value in mapping(body, "metadata").items() if key not in _SERVERS_OWN}
    return {**{key: value for key, value in body.items() if key not in _NOT_CONTENT}, "metadata": metadata}


def _pool(body: Mapping[str, object]) -> Fact:
    parsed = EndpointPool.parse(_declared(body))
    reference = parsed.spec.failover_policy_ref if isinstance(parsed, EndpointPool) else None
    annotations = texts(body, "metadata", "annotations")
    return DeclaredPool(
        generation=count(body, "metadata", "generation"),
        annotations={key: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")},
        declared=Packed.of(_declared(body)),
        published=Packed.of(mapping(body, "status")),
        policy=reference.name if reference else "",
        is_ending=bool(text(body, "metadata", "deletionTimestamp")),
    )


def _declared(body: Mapping[str, object]) -> Mapping[str, object]:
    """What people have written, without what others have added to it: a copy of it all, or a megabyte of notes."""
    metadata = {key: value for key, value in mapping(body, "metadata").items() if key not in _NOT_READ}
    return {**{part: value for part, value in body.items() if part != "status"}, "metadata": metadata}


def _policy(body: Mapping[str, object]) -> Fact:
    return DeclaredPolicy(
        generation=count(body, "metadata", "generation"),
        declared=Packed.of(_declared(body)),
        published=Packed.of(mapping(body, "status")),
    )


def _configmap(body: Mapping[str, object]) -> Fact:
    if texts(body, "metadata", "labels").get(labels.COMPONENT) == "probe":
        return None
    annotations = texts(body, "metadata", "annotations")
    return Document(
        generation=natural(annotations.get(labels.CONFIG_GENERATION, "")) or 0,
        hash=annotations.get(labels.CONFIG_HASH, ""),
        news=news_in(text(body, "data", CONFIG_FILE)),
    )


def _service(body: Mapping[str, object]) -> Fact:
    name, namespace = text(body, "metadata", "name"), text(body, "metadata", "namespace")
    port = next((count(row, "port") for row in rows(body, "spec", "ports")), 0)
    return Address(f"{name}.{namespace}.svc", port)


def _deployment(body: Mapping[str, object]) -> Fact:
    stuck = [
        text(row, "reason") + _refused(text(row, "message"))
        for row in rows(body, "status", "conditions")
        if (text(row, "type"), text(row, "status")) in (("Progressing", "False"), ("ReplicaFailure", "True"))
    ]
    return LiveDeployment(
        replicas=count(body, "status", "replicas"),
        ready_replicas=count(body, "status", "readyReplicas"),
        updated_replicas=count(body, "status", "updatedReplicas"),
        up_to_date=count(body, "status", "observedGeneration") >= count(body, "metadata", "generation"),
        stuck_reason=stuck[0] if stuck else "",
        template=texts(body, "metadata", "annotations").get(labels.TEMPLATE_HASH, ""),
    )


def _refused(message: str) -> str:
    """Which quota or policy refuses Pods. Not the whole message: it names another Pod, and other numbers, each time."""
    found = _REFUSED.search(message)
    return f", {printable(found[0])}" if found else ""


def _pod(body: Mapping[str, object]) -> Fact:
    component = texts(body, "metadata", "labels").get(labels.COMPONENT)
    if component != "router":
        return _probed(body) if component == "probe" else None
    ready = any(
        text(row, "type") == "Ready" and text(row, "status") == "True" for row in rows(body, "status", "conditions")
    )
    poked = natural(texts(body, "metadata", "annotations").get(labels.CONFIG_GENERATION, ""))
    return LivePod(
        name=text(body, "metadata", "name"),
        ip=text(body, "status", "podIP"),
        ready=ready,
        terminating=bool(text(body, "metadata", "deletionTimestamp")),
        config_generation=poked or 0,
        trouble=None if ready else trouble(body),
    )


def _cronjob(body: Mapping[str, object]) -> Fact:
    try:
        made = datetime.fromisoformat(text(body, "metadata", "creationTimestamp"))
    except ValueError:
        return Probing(None)
    return Probing(made if made.tzinfo else None)


def _probed(body: Mapping[str, object]) -> Fact:
    """What a finished Pod of a probe's Job says in its termination message; None for any other, and while it runs."""
    pool = texts(body, "metadata", "labels").get(labels.POOL, "")
    owner = next((row for row in rows(body, "metadata", "ownerReferences") if row.get("controller") is True), {})
    if text(owner, "kind") != "Job" or not text(owner, "name").startswith(f"{pool}-probe"):
        return None
    for container in rows(body, "status", "containerStatuses"):
        if text(container, "name") == PROBE_CONTAINER:
            try:
                return ProbeResult.model_validate_json(text(container, "state", "terminated", "message"))
            except ValidationError:
                return None
    return None


_FACTS = {
    "EndpointPool": _pool,
    "FailoverPolicy": _policy,
    "ConfigMap": _configmap,
    "Service": _service,
    "Deployment": _deployment,
    "CronJob": _cronjob,
    "Pod": _pod,
}

_NOT_EDITED = ("EndpointPool", "FailoverPolicy", "Pod", *LINK_KINDS)
"""Kinds that we do not apply, so nobody compares them."""

"""Do the documents fit together? Every reference of a pool against what the files give."""

from collections.abc import Iterator
from dataclasses import dataclass

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.local.manifest_files import Finding
from poolkeeper.local.manifests import Declared, Name, snapshot_of
from poolkeeper.plan.missing_references import missing_refs
from poolkeeper.plan.rollout_hold import hold_of
from poolkeeper.plan.snapshot import PoolKey, Settings


@dataclass(frozen=True)
class _Reference:
    path: str
    kind: str
    name: str
    key: str = ""


def findings(declared: Declared, settings: Settings, *, complete: bool) -> Iterator[Finding]:
    """What only shows when the documents are taken together.

    complete: there is nothing but these files, so everything referred to must be given. Else a policy must, but Secrets
    and ConfigMaps only if the files give any: they are usually made elsewhere.
    """
    for key, pool in declared.pools.items():
        name = Name("EndpointPool", key.namespace, key.name)
        for reference in _references(pool):
            unresolved = _problem(declared, key, reference, complete)
            if unresolved:
                yield Finding(declared.places[name], f"EndpointPool/{key.name}", unresolved)
        snapshot = snapshot_of(declared, key, settings)
        hold = hold_of(snapshot, missing_refs(snapshot))
        for problem in hold.problems if hold else ():
            yield Finding(declared.places[name], f"EndpointPool/{key.name}", problem)


def _references(pool: EndpointPool) -> Iterator[_Reference]:
    spec = pool.spec
    if spec.failover_policy_ref:
        yield _Reference("spec.failoverPolicyRef.name", "FailoverPolicy", spec.failover_policy_ref.name)
    for index, endpoint in enumerate(spec.endpoints):
        at = f"spec.endpoints[{index}]"
        if endpoint.credentials_ref:
            ref = endpoint.credentials_ref
            yield _Reference(f"{at}.credentialsRef", "Secret", ref.name, ref.key)
        for number, ref in enumerate(endpoint.credentials_refs):
            yield _Reference(f"{at}.credentialsRefs[{number}]", "Secret", ref.name, ref.key)
        if endpoint.tls and endpoint.tls.ca_ref:
            yield _Reference(f"{at}.tls.caRef", "ConfigMap", endpoint.tls.ca_ref.name, endpoint.tls.ca_ref.key)
    for index, calendar in enumerate(spec.calendars):
        dates = calendar.config_map_ref
        yield _Reference(f"spec.calendars[{index}].configMapRef", "ConfigMap", dates.name, dates.key)
    if spec.access.mode == "Keys":
        for index, client in enumerate(spec.access.clients):
            at = f"spec.access.clients[{index}].keyRef"
            yield _Reference(at, "Secret", client.key_ref.name, client.key_ref.key)
    if spec.probe and spec.probe.samples_ref:
        yield _Reference("spec.probe.samplesRef", "ConfigMap", spec.probe.samples_ref.name, spec.probe.samples_ref.key)


def _problem(declared: Declared, key: PoolKey, reference: _Reference, complete: bool) -> Problem | None:
    name = Name(reference.kind, key.namespace, reference.name)
    if name not in declared.places and name not in declared.contents:
        given = sorted(
            found.name for found in declared.places if (found.kind, found.namespace) == (name.kind, key.namespace)
        )
        if not (given or complete or reference.kind == "FailoverPolicy"):
            return None
        seen = f"the files have {', '.join(given)}" if given else "the files have none"
        return Problem(reference.path, f"names {name.kind} {name.name!r}, but {seen}; {_to_do(reference, complete)}")
    if reference.key:
        values = declared.contents.get(name, {})
        if reference.key not in values:
            keys = ", ".join(sorted(values)) or "none"
            return Problem(
                reference.path,
                f"names the key {reference.key!r} of {name.kind} {name.name!r}, whose keys are: {keys}; "
                f"{_to_do(reference, complete)}",
            )
        if not values[reference.key].strip():
            return Problem(
                reference.path, f"names the key {reference.key!r} of {name.kind} {name.name!r}, which is empty"
            )
    return None


def _to_do(reference: _Reference, complete: bool) -> str:
    if complete and reference.kind == "Secret":
        return f"add it, or read it from the environment: --secret-env {reference.name}/{reference.key}=VARIABLE"
    return "add its manifest with -f, or correct the name"

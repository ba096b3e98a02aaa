"""What manifest files declare: pools, policies, the contents of Secrets and ConfigMaps, and all that is wrong.

Each document is judged by itself with the parser that the operator uses; references.py judges them against each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.local.manifest_files import Document, Finding, Place, files_in, read
from poolkeeper.local.secret_data import content_of
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.snapshot import PoolKey, Settings, Snapshot


@dataclass(frozen=True, order=True)
class Name:
    """An object by kind, namespace and name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Declared:
    """places: every object that is given, also those that could not be parsed. findings: what is wrong with them."""

    pools: Mapping[PoolKey, EndpointPool]
    policies: Mapping[Name, FailoverPolicy]
    contents: Mapping[Name, Mapping[str, bytes]]
    places: Mapping[Name, Place]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def with_secret_values(self, namespace: str, values: Mapping[tuple[str, str], bytes]) -> "Declared":
        """With these (Secret, key) -> value in place of, or beside, what the files say."""
        contents = dict(self.contents)
        for (secret, key), value in values.items():
            name = Name("Secret", namespace, secret)
            contents[name] = {**contents.get(name, {}), key: value}
        return replace(self, contents=contents)


def load(given: Iterable[Path], local: bool) -> Declared:
    """local: the looser rules of `poolkeeper run`, which may use loopback."""
    found = read(files_in(given))
    pools: dict[PoolKey, EndpointPool] = {}
    policies: dict[Name, FailoverPolicy] = {}
    contents: dict[Name, Mapping[str, bytes]] = {}
    findings = list(found.findings)
    for document in found.documents:
        if document.kind == "EndpointPool":
            pool = EndpointPool.parse(document.body, local=local)
            if isinstance(pool, EndpointPool):
                pools[PoolKey(document.namespace, document.name)] = pool
            else:
                findings += [Finding(document.place, document.object, problem) for problem in pool]
        elif document.kind == "FailoverPolicy":
            policy = FailoverPolicy.parse(document.body, local=local)
            if isinstance(policy, FailoverPolicy):
                policies[name_of(document)] = policy
            else:
                findings += [Finding(document.place, document.object, problem) for problem in policy]
        else:
            content = content_of(document)
            contents[name_of(document)] = content.values
            findings += [Finding(document.place, document.object, problem) for problem in content.problems]
    places = {name_of(document): document.place for document in found.documents}
    return Declared(pools, policies, contents, places, tuple(findings), found.notes)


def name_of(document: Document) -> Name:
    return Name(document.kind, document.namespace, document.name)


def snapshot_of(declared: Declared, key: PoolKey, settings: Settings) -> Snapshot:
    """The pool as one that nothing is running of yet, with all Services it names taken to be there."""
    pool = declared.pools[key]
    ref = pool.spec.failover_policy_ref
    policy = declared.policies.get(Name("FailoverPolicy", key.namespace, ref.name)) if ref else None
    here = {
        name.name: values
        for name, values in declared.contents.items()
        if name.kind == "ConfigMap" and name.namespace == key.namespace
    }
    services = (endpoint.service_ref for endpoint in pool.spec.endpoints)
    return Snapshot(
        key=key,
        uid=pool.metadata.uid,
        generation=pool.metadata.generation,
        pool=pool,
        settings=settings,
        policy=policy,
        config_maps={name: frozenset(values) for name, values in here.items()},
        calendars=_calendars(pool, here),
        services=frozenset(service.name for service in services if service),
        ca_digest=_ca_digest(pool, here),
        annotations=pool.metadata.annotations,
    )


def _calendars(pool: EndpointPool, config_maps: Mapping[str, Mapping[str, bytes]]) -> Mapping[str, str]:
    refs = {str(calendar.name): calendar.config_map_ref for calendar in pool.spec.calendars}
    found = {name: config_maps.get(ref.name, {}).get(ref.key) for name, ref in refs.items()}
    return {name: text.decode("utf-8", "replace") for name, text in found.items() if text is not None}


def _ca_digest(pool: EndpointPool, config_maps: Mapping[str, Mapping[str, bytes]]) -> str:
    refs = [endpoint.tls.ca_ref for endpoint in pool.spec.endpoints if endpoint.tls and endpoint.tls.ca_ref]
    found = {f"{ref.name}/{ref.key}": config_maps.get(ref.name, {}).get(ref.key, b"").decode("latin-1") for ref in refs}
    return digest(found) if found else ""

"""The declared endpoints, resolved: addresses taken apart, references turned into host and file names, models named.

Their order in the document is by tier and name, so that moving lines about in a manifest changes nothing for a router.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

from poolkeeper.api.base import SecretKeyRef
from poolkeeper.api.endpoint import Endpoint, Feature, Scheme
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.request_changes import HeaderDoc, ParameterDoc, ParameterRule, Surface, as_json
from poolkeeper.api.router_document import (
    Credential,
    EgressProxy,
    EndpointDoc,
    ModelRoute,
    Tls,
)
from poolkeeper.plan.cold_standby import mode_now
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.per_router_share import sending_routers, share
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.plan.tariffs import pricing_doc, schedule_doc

ANY_MODEL = "*"
SURFACES: tuple[Surface, ...] = get_args(Surface)
FEATURE_NAMES: Mapping[Feature, str] = {
    "Tools": "tools", "Vision": "images", "Audio": "audio", "JsonSchema": "schema"
}  # fmt: skip
"""As router/lua/core/request/features.lua calls them."""
FINGERPRINT_DIGITS = 16
"""Hex digits: enough to distinguish an endpoint's past from its present, short enough to read."""


@dataclass(frozen=True)
class _Address:
    scheme: Scheme
    host: str
    port: int
    path: str


def endpoint_docs(snapshot: Snapshot, spec: EndpointPoolSpec) -> tuple[EndpointDoc, ...]:
    among = sending_routers(snapshot)
    found = (_endpoint_doc(snapshot, spec, endpoint, among) for endpoint in spec.endpoints)
    return tuple(sorted(found, key=lambda endpoint: (endpoint.tier, endpoint.name)))


def ca_file(endpoint: Endpoint) -> str | None:
    """The file, below the CA folder, with the authorities this endpoint's certificate is checked against."""
    return f"{endpoint.name}.crt" if endpoint.tls and endpoint.tls.ca_ref else None


def secret_source(name: str, key: str) -> str:
    """Where a mounted file comes from, in the words that messages use."""
    return f"Secret {name}, key {key}"


def _endpoint_doc(snapshot: Snapshot, spec: EndpointPoolSpec, endpoint: Endpoint, among: int) -> EndpointDoc:
    address, keys = _address(snapshot, endpoint), tuple(_credentials(endpoint))
    return EndpointDoc(
        name=endpoint.name,
        fingerprint=_fingerprint(endpoint, address),
        provider=endpoint.provider,
        tier=endpoint.tier,
        weight=endpoint.weight,
        mode=mode_now(snapshot, spec, endpoint),
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        path=address.path,
        tls=_tls(endpoint, address),
        egress_proxy=_egress_proxy(endpoint),
        credential=next(iter(keys), None),
        credentials=keys if len(keys) > 1 else (),
        max_connections=share(endpoint.max_connections, among),
        base_latency_ms=endpoint.base_latency.ms,
        models=tuple(_routes(endpoint, spec.models)),
        headers=_headers(endpoint),
        capabilities=tuple(sorted(endpoint.capabilities)),
        lacks=tuple(sorted(FEATURE_NAMES[feature] for feature in endpoint.lacks)),
        region=endpoint.region,
        schedule=schedule_doc(endpoint),
        pricing=pricing_doc(endpoint.pricing),
    )


def _address(snapshot: Snapshot, endpoint: Endpoint) -> _Address:
    if endpoint.url is not None:
        url = endpoint.url
        return _Address(url.scheme, url.host, url.port, url.path)
    service = endpoint.service_ref
    if service is None:
        raise AssertionError(f"endpoint {endpoint.name} has neither url nor serviceRef, which its validation refuses")
    host = f"{service.name}.{snapshot.key.namespace}.svc.{snapshot.settings.cluster_domain}"
    return _Address(service.scheme, host, service.port, service.path.rstrip("/"))


def _tls(endpoint: Endpoint, address: _Address) -> Tls | None:
    if address.scheme == "http":
        return None
    given = endpoint.tls.server_name if endpoint.tls else None
    return Tls(server_name=given or address.host, ca_file=ca_file(endpoint))


def _egress_proxy(endpoint: Endpoint) -> EgressProxy | None:
    proxy = endpoint.egress_proxy
    return EgressProxy(host=proxy.host, port=proxy.port) if proxy else None


def key_file(endpoint: Endpoint, ref: SecretKeyRef) -> str:
    """The file of one of its API keys, below the credentials folder. A key of a list has its own by what it is, so that
    routers know it again whatever comes or goes beside it."""
    if ref == endpoint.credentials_ref:
        return endpoint.name
    return f"{endpoint.name}.{digest({'name': ref.name, 'key': ref.key})[:FINGERPRINT_DIGITS]}"


def _credentials(endpoint: Endpoint) -> Iterator[Credential]:
    for ref in endpoint.keys:
        yield Credential(file=key_file(endpoint, ref), source=secret_source(ref.name, ref.key))


def _fingerprint(endpoint: Endpoint, address: _Address) -> str:
    """Without the keys of a list: when one comes or goes, what is known of the endpoint and of the others stays."""
    credential = endpoint.credentials_ref.model_dump(mode="json") if endpoint.credentials_ref else None
    tls = endpoint.tls.model_dump(mode="json") if endpoint.tls else None
    what_it_is = {"provider": endpoint.provider, "credential": credential, "tls": tls, **asdict(address)}
    if endpoint.egress_proxy:
        what_it_is["egress_proxy"] = endpoint.egress_proxy
    return digest(what_it_is)[:FINGERPRINT_DIGITS]


def _routes(endpoint: Endpoint, pool_models: Sequence[str]) -> Iterator[ModelRoute]:
    """An entry of its own wins over "*"; without any entry every model is asked for under its own name."""
    mappings = {str(mapping.name): mapping for mapping in endpoint.models}
    for model in pool_models:
        mapping = mappings.get(model) or mappings.get(ANY_MODEL)
        if mapping or not endpoint.models:
            upstream = mapping.upstream_name if mapping else None
            own = mapping.parameters if mapping else ()
            rules = (*_not_overruled(endpoint.parameters, own), *own)
            yield ModelRoute(
                name=model,
                upstream_name=upstream or model,
                aliases=mapping.aliases if mapping else (),
                parameters=tuple(_parameter(rule) for rule in rules),
            )


def _not_overruled(rules: Sequence[ParameterRule], own: Sequence[ParameterRule]) -> Iterator[ParameterRule]:
    """Of the endpoint's rules: what a rule of the model sets or removes as a whole has no members of theirs."""
    for rule in rules:
        over = [one for one in own if rule.path.startswith(f"{one.path}.") and (one.remove or one.set is not None)]
        taken = {surface for one in over for surface in one.surfaces or SURFACES}
        left = tuple(surface for surface in rule.surfaces or SURFACES if surface not in taken)
        if left:
            yield rule.model_copy(update={"surfaces": left}) if taken else rule


def _parameter(rule: ParameterRule) -> ParameterDoc:
    return ParameterDoc(
        path=rule.path,
        set=None if rule.set is None else as_json(rule.set),
        default=None if rule.default is None else as_json(rule.default),
        maximum=rule.maximum,
        remove=rule.remove,
        surfaces=tuple(sorted(surface.lower() for surface in rule.surfaces)),
    )


def _headers(endpoint: Endpoint) -> tuple[HeaderDoc, ...]:
    values = {header.name.lower(): header.set for header in endpoint.headers}
    return tuple(HeaderDoc(name=name, value=value) for name, value in sorted(values.items()))
